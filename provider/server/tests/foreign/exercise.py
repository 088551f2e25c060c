"""Uses a served volume with the client beside this file, and says `done`."""

import sys
import time

from larder import IS_DIRECTORY, NO_ENTRY, NO_SESSION, REGULAR_FILE, UNSUPPORTED, Failed, Nats, Refused, Volume, block, number, parse


def expect(raised, attribute, value, work, *arguments):
    try:
        work(*arguments)
    except raised as error:
        assert getattr(error, attribute) == value, error
    else:
        raise AssertionError(f"{work} did not fail")


def main(url):
    volume = Volume(url)
    assert volume.lease == 2, volume.lease

    # Create, write, read back.
    volume.make_directory("d")
    volume.write("d/greeting", b"hello\n", sync=True)
    assert volume.read("d/greeting") == b"hello\n"
    assert volume.append("d/greeting", b"more\n").size == 11
    large = bytes(range(256)) * 5000
    volume.write("d/large", large)
    assert volume.read("d/large") == large
    volume.write("d/empty", b"")
    assert volume.read("d/empty") == b""

    # List, by pages.
    for count in range(25):
        volume.write(f"d/file-{count:02}", b"x")
    listed = volume.list("d", most=10)
    names = [name for name, _ in listed]
    assert sorted(names) == ["empty", *(f"file-{count:02}" for count in range(25)), "greeting", "large"], names
    kinds = {name: (attributes.type, attributes.size) for name, attributes in listed}
    assert kinds["large"] == (REGULAR_FILE, len(large))
    assert [(name, attributes.type) for name, attributes in volume.list("")] == [("d", IS_DIRECTORY)]

    # What is repeated is applied once.
    volume.operation += 1
    identity = block(1, b"\x09" + volume.id.to_bytes(8, "little") + number(2, volume.operation))
    write = identity + block(5, block(2, volume.place("once")) + block(4, number(2, True) + block(3, b"once")))
    replies = [volume.nats.request(volume.subject, write, 5) for _ in range(3)]
    assert replies[0] == replies[1] == replies[2]
    assert volume.stat("once").size == 4

    # Another session sees it, and one that only reads changes nothing.
    reader = Volume(url, directory="d", write=False)
    assert reader.read("greeting") == b"hello\nmore\n"
    expect(Failed, "code", 34, reader.write, "new", b"")
    reader.end()
    expect(Refused, "fault", NO_SESSION, reader.stat, "greeting")

    # Rename, remove.
    volume.rename("d/greeting", "d/moved")
    expect(Failed, "code", NO_ENTRY, volume.read, "d/greeting")
    for name, _ in volume.list("d"):
        volume.remove(f"d/{name}")
    volume.remove("d", directory=True)
    volume.remove("once")
    assert volume.list("") == []

    # A lease is kept by hearing of the session, and runs out.
    for _ in range(3):
        time.sleep(1)
        volume.stay()
    volume.stat(".")
    time.sleep(3)
    expect(Refused, "fault", NO_SESSION, volume.stat, ".")

    # What is wrong is refused.
    nats = Nats("127.0.0.1", volume.nats.socket.getpeername()[1])
    refusal = parse(parse(nats.request(volume.subject, block(2, number(1, 7)), 5))[2][0])
    assert refusal[1] == [UNSUPPORTED], refusal
    # Replies to where NATS or Larder is steered are not sent.
    nats.send(f"PUB {volume.subject} larder.v1.data.write 0\r\n\r\n".encode())

    # Discovery.
    info = nats.request("$SRV.INFO.larder", b"", 5)
    assert b'"volumes":"data"' in info.replace(b" ", b""), info
    print("done")


main(sys.argv[1])
