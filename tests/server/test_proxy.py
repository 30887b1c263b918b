"""The configuration for nginx that the guide prints: behind it, below a path and with TLS, everything works as it does without."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from anew import Experiment, Store
from anew.sync.push import push

pytestmark = pytest.mark.slow

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "run-a-server.md"


class Proxied(NamedTuple):
    """A server behind nginx."""

    url: str
    port: int
    root: Path
    context: ssl.SSLContext


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine that signs itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "runs.example.org")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("runs.example.org"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    chain, secret = folder / "cert.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return chain, secret


@pytest.fixture
def proxied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxied]:
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None:
        if os.environ.get("CI"):
            pytest.fail("nginx is not installed")
        pytest.skip("nginx is not installed")
    root = tmp_path / "store"
    with Experiment(prefix="lab/x/one", root=str(root), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 1.0}, step=0)
    command = [sys.executable, "-m", "anew", "server", str(root), "--port", "0", "--quiet", "--allow-host", "runs.example.org"]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    behind = server.stdout.readline().strip()
    chain, secret = certificate(tmp_path)
    (block,) = re.findall(r"```nginx\n(.*?)```", GUIDE.read_text(), re.S)
    port = free_port()
    for old, new in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"), ("http://127.0.0.1:5700", behind.rstrip("/")),
        ("/etc/ssl/runs.example.org.pem", str(chain)), ("/etc/ssl/runs.example.org.key", str(secret)),
    ):  # fmt: skip
        assert old in block
        block = block.replace(old, new)
    folder = tmp_path / "nginx"
    folder.mkdir()
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if hasattr(os, "getuid") and os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{block}}}\n"
    )
    proxy = subprocess.Popen(
        [
            nginx,
            "-p",
            str(folder),
            "-c",
            str(folder / "nginx.conf"),
            "-e",
            str(folder / "error.log"),
        ]
    )
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert proxy.poll() is None, (folder / "error.log").read_text()
                time.sleep(0.1)
        monkeypatch.setenv("SSL_CERT_FILE", str(chain))
        context = ssl.create_default_context(cafile=str(chain))
        yield Proxied(f"https://127.0.0.1:{port}/anew", port, root, context)
    finally:
        for process in (proxy, server):
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def connection(at: Proxied) -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection("127.0.0.1", at.port, context=at.context, timeout=120)


def test_reading_recording_and_large_bodies_go_through(proxied: Proxied, tmp_path: Path):
    with Store(proxied.url) as store:
        assert store.get("lab/x/one").metrics["loss"].last == 1.0
    here = tmp_path / "here"
    data = os.urandom(40 << 20)
    with Experiment(prefix="lab/x/sent", root=str(here), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 0.5}, step=1)
        exp.files("models").save(data, "large.bin")
    assert push(here, proxied.url).complete
    with Store(proxied.url) as store:
        (file,) = store.get("lab/x/sent").files
        assert file.read_bytes() == data
    form = (
        b'--x\r\nContent-Disposition: form-data; name="type"\r\n\r\nFILE\r\n'
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\na.bin\r\n'
        b'--x\r\nContent-Disposition: form-data; name="experimentId"\r\n\r\n%b\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n%b\r\n--x--\r\n'
    )
    there = connection(proxied)
    headers = {"Authorization": "Bearer a", "Content-Type": "application/json"}
    node = b'{"type": "EXPERIMENT", "projectSlug": "p", "parentId": "ROOT", "name": "50% of it"}'
    there.request("POST", "/anew/dash/api/namespaces/lab/nodes", node, headers)
    found = re.search(rb'"experimentId":"(\w+)"', there.getresponse().read())
    assert found is not None
    there.request(
        "POST", "/anew/dash/api/namespaces/lab/nodes", form % (found[1], data),
        {**headers, "Content-Type": "multipart/form-data; boundary=x"},
    )  # fmt: skip
    answer = there.getresponse()
    assert (answer.status, b"a.bin" in answer.read()) == (200, True)
    metric = f"/anew/dash/api/experiments/{found[1].decode()}/metrics/train/a%20b%25"
    there.request(
        "POST",
        f"{metric}/append-batch",
        b'{"dataPoints": [{"loss": 1, "_ts": 1700000000.5}]}',
        headers,
    )
    assert there.getresponse().read()
    there.close()
    with Store(proxied.url) as store:
        assert store.get(found[1].decode()).metrics["train/a b%/loss"].count == 1


def test_changes_arrive_while_the_stream_goes_on(proxied: Proxied):
    there = connection(proxied)
    there.request("GET", "/anew/api/v1/events", headers={"Accept": "text/event-stream"})
    answer = there.getresponse()
    assert answer.status == 200
    assert answer.readline() == b"retry: 2000\n"
    with Experiment(
        prefix="lab/x/two", root=str(proxied.root), quiet=True, system_metrics=0
    ) as exp:
        exp.log_metrics({"loss": 1.0})
        lines = b""
        while exp.id.encode() not in lines:
            lines = answer.readline()
            assert lines
    there.close()


def test_the_proxy_hands_on_the_name_it_was_called_by(proxied: Proxied):
    statuses = {}
    for host in ("runs.example.org", "evil.example"):
        there = connection(proxied)
        there.request("GET", "/anew/api/v1/about", headers={"Host": host})
        statuses[host] = there.getresponse().status
        there.close()
    assert statuses == {"runs.example.org": 200, "evil.example": 421}
    there = connection(proxied)
    there.request("GET", "/anew/", headers={"Accept": "text/html"})
    assert there.getresponse().status == 200
    there.close()
