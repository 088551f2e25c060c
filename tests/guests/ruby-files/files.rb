# File work of a Ruby program, with its standard library out of the tree that
# the component carries: makes a tree, looks at it, removes it.
require 'digest'
require 'fileutils'
require 'find'
require 'json'
require 'pathname'
require 'tempfile'

root = ARGV[0] || '/ruby-files'
count = (ARGV[1] || '500').to_i

def check(condition, what)
  raise what unless condition
end

def refused(error)
  yield
rescue error
  nil
else
  raise "#{error} was expected"
end

FileUtils.mkdir_p(root)
content = ->(number) { "file #{number}\n" * (1 + number % 300) }
sums = {}
count.times do |number|
  path = File.join(root, "dir-#{number % 10}", "file-#{number}")
  FileUtils.mkdir_p(File.dirname(path))
  File.write(path, content[number])
  sums[path] = Digest::SHA256.hexdigest(content[number])
end
File.write(File.join(root, 'sums.json'), JSON.pretty_generate(sums))

found = Find.find(root).select { |path| File.file?(path) } - [File.join(root, 'sums.json')]
check(found.sort == sums.keys.sort, 'the tree has other files')
JSON.parse(File.read(File.join(root, 'sums.json'))).each do |path, sum|
  check(Digest::SHA256.file(path).hexdigest == sum, "#{path} has other content")
end

first = Pathname(root) / 'dir-0' / 'file-0'
File.open(first, 'r+') do |file|
  file.seek(0, IO::SEEK_END)
  file.write('end')
  file.seek(5)
  check(file.readline == "0\n", 'a seek went elsewhere')
  file.truncate(4)
end
check(first.read == 'file', 'the file was not cut')
File.open(first, 'a') { |file| file << ' again' }
check(first.read == 'file again', 'an append went elsewhere')
File.symlink('file-0', (first.dirname / 'link').to_s)
check(File.readlink((first.dirname / 'link').to_s) == 'file-0', 'the link leads elsewhere')
check((first.dirname / 'link').read == 'file again', 'the link has other content')
File.link(first.to_s, (first.dirname / 'same').to_s)
check(first.stat.nlink == 2, 'a file with two names has another count')
File.rename((first.dirname / 'same').to_s, (Pathname(root) / 'moved').to_s)
check(File.identical?(first.to_s, (Pathname(root) / 'moved').to_s), 'a renamed file is another one')
File.utime(1, 2, first.to_s)
check(first.mtime.to_i == 2 && first.atime.to_i == 1, 'the times were not set')
refused(Errno::ENOENT) { File.read(File.join(root, 'missing')) }
refused(Errno::EEXIST) { Dir.mkdir(root) }
refused(Errno::ENOTEMPTY) { Dir.rmdir(root) }

puts "ruby-files: #{count} files, #{found.sum { |path| File.size(path) }} bytes"
FileUtils.rm_rf(root)
check(!File.exist?(root), 'something is left')
puts 'ruby-files: ok'
