// A tree of files: made, looked at and removed, each answer checked.
const READ = { read: true };
const BOTH = { read: true, write: true };
const CREATE = { create: true };
const FOLLOW = { symlinkFollow: true };
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function check(condition, what) {
  if (!condition) throw new Error(what);
}

function refused(code, action, what) {
  try {
    action();
  } catch (error) {
    check((error.payload ?? error) === code, `${what}: refused with ${error.payload ?? error}, not ${code}`);
    return;
  }
  throw new Error(`${what}: was not refused`);
}

function write(directory, name, text) {
  const file = directory.openAt({}, name, CREATE, BOTH);
  const bytes = encoder.encode(text);
  // Half of it directly, half through a stream.
  const half = bytes.length >> 1;
  check(file.write(bytes.subarray(0, half), 0n) === BigInt(half), `${name} was written in part`);
  const stream = file.writeViaStream(BigInt(half));
  stream.blockingWriteAndFlush(bytes.subarray(half));
  return bytes.length;
}

function read(directory, name) {
  const file = directory.openAt(FOLLOW, name, {}, READ);
  const stream = file.readViaStream(0n);
  const parts = [];
  for (;;) {
    try {
      parts.push(stream.blockingRead(65536n));
    } catch (error) {
      check((error.payload ?? error).tag === 'closed', `${name} does not end`);
      break;
    }
  }
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  const [direct] = file.read(BigInt(all.length + 1), 0n);
  check(direct.length === all.length, `${name} has two lengths`);
  return decoder.decode(all);
}

function list(directory) {
  const entries = directory.readDirectory();
  const names = [];
  for (;;) {
    const entry = entries.readDirectoryEntry();
    if (!entry) return names.sort();
    names.push(entry.name);
  }
}

const content = (number) => `file ${number}\n`.repeat(1 + (number % 300));

// Makes `root` with `count` files, and checks all of it.
export function tree(granted, root, count) {
  granted.createDirectoryAt(root);
  const directory = granted.openAt({}, root, { directory: true }, { read: true, mutateDirectory: true });
  const names = [];
  let bytes = 0;
  for (let number = 0; number < count; number++) {
    names.push(`file-${number}`);
    bytes += write(directory, names[number], content(number));
  }
  check(list(directory).join() === [...names].sort().join(), 'the listing has other names');
  names.forEach((name, number) => check(read(directory, name) === content(number), `${name} has other content`));
  links(directory, names);
  refused('not-empty', () => granted.removeDirectoryAt(root), 'a directory with files');
  return { files: count, bytes };
}

// Links, renames, removals and what is refused.
function links(directory, [name]) {
  directory.symlinkAt(name, 'link');
  check(directory.readlinkAt('link') === name, 'the link leads elsewhere');
  check(read(directory, 'link') === read(directory, name), 'the link has other content');
  directory.linkAt({}, name, directory, 'same');
  check(directory.statAt({}, 'same').linkCount === 2n, 'a file with two names has another count');
  directory.renameAt('same', directory, 'moved');
  refused('no-entry', () => directory.statAt({}, 'same'), 'a name that moved');
  refused('exist', () => directory.createDirectoryAt('moved'), 'a directory of the same name');
  refused('not-permitted', () => directory.openAt(FOLLOW, '../outside', {}, READ), 'a way out');
}

// Removes everything in `root`, and `root`.
export function remove(granted, root) {
  const directory = granted.openAt({}, root, { directory: true }, { read: true, mutateDirectory: true });
  list(directory).forEach((name) => directory.unlinkFileAt(name));
  check(list(directory).length === 0, 'something is left');
  granted.removeDirectoryAt(root);
}
