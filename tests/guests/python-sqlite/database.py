"""A SQLite database whose whole content is a function of the number of the
last committed transaction, so that `check` finds a half-done one after a kill.

Environment:
    DB       the database file, default /test.db
    JOURNAL  delete (default), truncate, persist or memory. There is no wal: it
             needs shared memory, and this SQLite is built without it.
    VFS      SQLite's VFS, default unix-none, which has no locks. An empty VFS is
             SQLite's own choice on WASI, unix-dotfile: it locks with a directory
             DB.lock, which a killed run leaves behind, and then nobody gets in
    LOCKING  normal (default) or exclusive
    PAUSE_MS how long `work` waits after each commit, default 0
"""

import hashlib
import os
import sqlite3
import sys
import time

ACCOUNTS = 100
BLOBS = 20
BLOB_BYTES = 20_000


def connect() -> sqlite3.Connection:
    uri = "file:" + os.environ.get("DB", "/test.db")
    if vfs := os.environ.get("VFS", "unix-none"):
        uri += "?vfs=" + vfs
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    locking = os.environ.get("LOCKING", "normal")
    pragma(connection, "locking_mode", locking)
    pragma(connection, "journal_mode", os.environ.get("JOURNAL", "delete"))
    # With less, a commit that deletes its journal is only durable once the
    # directory is synced, which may be long after it was reported.
    connection.execute("PRAGMA synchronous = extra")
    return connection


def pragma(connection: sqlite3.Connection, name: str, value: str) -> None:
    """SQLite answers with the mode it took; another one is a failed test."""
    (taken,) = connection.execute(f"PRAGMA {name} = {value}").fetchone()
    assert taken == value, f"{name} is {taken}, not {value}"


def blob(slot: int, k: int) -> bytes:
    block = hashlib.sha256(f"{slot} {k}".encode()).digest()
    return (block * (BLOB_BYTES // len(block) + 1))[: BLOB_BYTES - k % 1000]


def init() -> None:
    connection = connect()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE log(k INTEGER PRIMARY KEY, note TEXT)")
    connection.execute("CREATE INDEX notes ON log(note)")
    connection.execute("CREATE TABLE accounts(id INTEGER PRIMARY KEY, value INTEGER)")
    connection.execute("CREATE TABLE blobs(slot INTEGER PRIMARY KEY, k INTEGER, data BLOB)")
    connection.executemany("INSERT INTO accounts VALUES(?, 0)", ((i,) for i in range(ACCOUNTS)))
    connection.executemany(
        "INSERT INTO blobs VALUES(?, 0, ?)", ((slot, blob(slot, 0)) for slot in range(BLOBS))
    )
    connection.execute("COMMIT")
    connection.close()
    print("initialised", flush=True)


def last(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT coalesce(max(k), 0) FROM log").fetchone()[0]


def transact(connection: sqlite3.Connection, k: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO log VALUES(?, ?)", (k, f"note {k * 7919 % 10007}"))
    connection.execute("UPDATE accounts SET value = value - ? WHERE id = ?", (k, k % ACCOUNTS))
    connection.execute(
        "UPDATE accounts SET value = value + ? WHERE id = ?", (k, k * 31 % ACCOUNTS)
    )
    slot = k % BLOBS
    connection.execute("UPDATE blobs SET k = ?, data = ? WHERE slot = ?", (k, blob(slot, k), slot))
    connection.execute("COMMIT")


def work(count: int) -> None:
    pause = int(os.environ.get("PAUSE_MS", "0")) / 1000
    connection = connect()
    first = last(connection) + 1
    for k in range(first, first + count):
        transact(connection, k)
        print(f"committed {k}", flush=True)
        if pause:
            time.sleep(pause)
    connection.close()


def check() -> None:
    connection = connect()
    problems = connection.execute("PRAGMA integrity_check").fetchall()
    assert problems == [("ok",)], f"integrity_check: {problems}"
    print("integrity ok")
    k = last(connection)
    digest = hashlib.sha256()
    rows = check_log(connection, k, digest)
    rows += check_accounts(connection, k, digest)
    rows += check_blobs(connection, k, digest)
    connection.close()
    print(f"rows {rows} checksum {digest.hexdigest()[:16]}")
    print(f"committed {k}", flush=True)


def check_log(connection, k: int, digest) -> int:
    log = connection.execute("SELECT k, note FROM log ORDER BY k").fetchall()
    wanted = [(i, f"note {i * 7919 % 10007}") for i in range(1, k + 1)]
    assert log == wanted, f"the log has {len(log)} rows, {k} expected, or wrong ones"
    digest.update(repr(log).encode())
    return len(log)


def check_accounts(connection, k: int, digest) -> int:
    wanted = [0] * ACCOUNTS
    for i in range(1, k + 1):
        wanted[i % ACCOUNTS] -= i
        wanted[i * 31 % ACCOUNTS] += i
    got = connection.execute("SELECT id, value FROM accounts ORDER BY id").fetchall()
    assert got == list(enumerate(wanted)), f"the accounts are not those after {k} transactions"
    digest.update(repr(got).encode())
    return len(got)


def check_blobs(connection, k: int, digest) -> int:
    for slot in range(BLOBS):
        newest = max((i for i in range(max(1, k - BLOBS + 1), k + 1) if i % BLOBS == slot), default=0)
        row = connection.execute("SELECT k, data FROM blobs WHERE slot = ?", (slot,)).fetchone()
        assert row == (newest, blob(slot, newest)), f"blob {slot} is not that of transaction {newest}"
        digest.update(row[1])
    return BLOBS


def versions() -> None:
    print(f"python {sys.version.split()[0]} sqlite {sqlite3.sqlite_version}")
    connection = sqlite3.connect(":memory:")
    for (option,) in connection.execute("PRAGMA compile_options"):
        print(option)
