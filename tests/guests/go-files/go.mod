module larder/guests/go-files

go 1.27
