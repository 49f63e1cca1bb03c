"""TLS to other servers: the image knows certificate authorities, and its clients refuse whom they do not know.

Runs inside the image, as any user. The server is its own, on the loopback, with a certificate of an authority that
exists for this run only. One JSON line.
"""

from __future__ import annotations

import datetime as dt
import glob
import http.server
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

HINT = "install Debian's ca-certificates"
VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
SECONDS = 60  # the server is in this process: only a busy machine needs so long
CURL_UNKNOWN, CURL_NO_BUNDLE = 60, 77
"""Exit codes (curl(1)): the server's certificate is not to be trusted; the file of authorities cannot be read."""


def main():
    mounted = forget_absent()
    problems = [*check_python_bundle(), *check_named_bundles()]
    with tempfile.TemporaryDirectory() as folder:
        authority, server = make_certificates(folder)
        url = f"https://localhost:{serve(server)}/"
        for client in (check_urllib, check_requests, check_curl):
            problems += client(url, authority)
    answer = {"problems": problems, "authorities": count_authorities(), "mounted": mounted}
    print("optbuild: " + json.dumps(answer), flush=True)


def forget_absent():
    """Files of authorities that the environment names and the image does not have: they come with the container."""
    absent = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
    absent = {name: path for name, path in absent.items() if not os.path.exists(path)}
    for name in absent:
        del os.environ[name]
    return [f"{name} names {path}" for name, path in sorted(absent.items())]


def count_authorities():
    """Those that Python's default knows; a folder of them is read only when one is needed."""
    folder = ssl.get_default_verify_paths().capath
    return len(ssl.create_default_context().get_ca_certs()) or (len(glob.glob(folder + "/*.0")) if folder else 0)


def check_python_bundle():
    paths = ssl.get_default_verify_paths()
    if not count_authorities():
        where = os.environ.get(paths.openssl_cafile_env) or paths.openssl_cafile
        return [f"Python knows no certificate authority ({where}): {HINT}"]
    ends = [ssl.cert_time_to_seconds(one["notAfter"]) for one in ssl.create_default_context().get_ca_certs()]
    if ends and max(ends) < time.time():
        return [f"every certificate authority that Python knows has expired: {HINT}"]
    return []


def check_named_bundles():
    """Files that the environment or a library names."""
    named = {name: os.environ[name] for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(name)}
    try:
        import certifi

        named["certifi"] = certifi.where()
    except ImportError:
        pass
    for name, path in named.items():
        try:
            if not os.path.isdir(path):
                ssl.create_default_context(cafile=path)
        except (OSError, ssl.SSLError) as error:
            yield "{} names {}: {}".format(name, path, getattr(error, "strerror", None) or error)


USES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def make_certificates(folder):
    """Files (authority, server's key and certificate), for a day.

    With all that RFC 5280 asks of them: Python refuses other ones since 3.13 (VERIFY_X509_STRICT).
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now, day = dt.datetime.utcnow(), dt.timedelta(days=1)

    def certify(name, key, issuer, signer, *extensions):
        made = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        made = made.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        for extension in extensions:
            critical = not isinstance(extension, x509.SubjectAlternativeName)
            made = made.add_extension(extension, critical=critical)
        return made.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    root, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer, subject = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("optbuild verify", "localhost")
    )
    uses = dict.fromkeys(USES, False)
    signs = x509.KeyUsage(**{**uses, "key_cert_sign": True, "crl_sign": True})
    serves = x509.KeyUsage(**{**uses, "digital_signature": True})
    authority = certify(issuer, root, issuer, root, x509.BasicConstraints(ca=True, path_length=None), signs)
    server = certify(subject, own, issuer, root, x509.SubjectAlternativeName([x509.DNSName("localhost")]), serves)
    pem = serialization.PrivateFormat.PKCS8
    key = own.private_bytes(serialization.Encoding.PEM, pem, serialization.NoEncryption())
    return write(folder, "authority.pem", authority), write(folder, "server.pem", key + server)


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as stream:
        stream.write(data)
    return path


REACHED = b"reached"


class Answer(http.server.BaseHTTPRequestHandler):
    """Says that it was reached."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(REACHED)))  # else its end is that of the connection, and curl minds
        self.end_headers()
        self.wfile.write(REACHED)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """A client that refuses the certificate is what is wanted."""

    def handle_error(self, *_):
        pass


def serve(certificate):
    """The port of a server in a thread."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = Server(("127.0.0.1", 0), Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def check_urllib(url, authority):
    """Python's own client, by its default and with the authority of this run."""
    try:
        urllib.request.urlopen(url, timeout=SECONDS)  # noqa: S310 - the server above
        yield "Python's urllib trusts a server that no authority vouches for"
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ssl.SSLCertVerificationError):
            yield f"Python's urllib: {error.reason}"
    try:
        context = ssl.create_default_context()
        context.load_verify_locations(authority)
        urllib.request.urlopen(url, timeout=SECONDS, context=context)  # noqa: S310 - the server above
    except OSError as error:
        yield f"Python's urllib cannot reach a server that it may trust: {error}"


def check_requests(url, authority):
    """The client of most providers; it has authorities of its own."""
    try:
        import requests
    except ImportError:
        return
    try:
        requests.get(url, timeout=SECONDS)
        yield "requests trusts a server that no authority vouches for"
    except requests.exceptions.SSLError:
        pass
    except OSError as error:
        yield f"requests: {error}"
    try:
        requests.get(url, timeout=SECONDS, verify=authority)
    except OSError as error:
        yield f"requests cannot reach a server that it may trust: {error}"


def check_curl(url, authority):
    """Where the image has it: scripts and health checks use it."""
    if shutil.which("curl") is None:
        return
    code = curl(url)
    if code == 0:
        yield "curl trusts a server that no authority vouches for"
    elif code == CURL_NO_BUNDLE:
        yield f"curl finds no certificate authority: {HINT}"
    elif code != CURL_UNKNOWN:
        yield f"curl ended with exit code {code}, not {CURL_UNKNOWN} (the certificate is not to be trusted)"
    code = curl(url, "--cacert", authority)
    if code:
        yield f"curl cannot reach a server that it may trust: exit code {code}"


def curl(url, *options):
    command = ["curl", "--silent", "--max-time", str(SECONDS), *options, url]
    return subprocess.run(command, capture_output=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
