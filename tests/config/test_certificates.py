"""What ``smithd check`` says of certificates, keys and authorities, for every type of source that names some."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from smithd.cli.main import run

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def certificate(name: str, key: Key, begins: datetime = NOW - DAY, ends: datetime = NOW + DAY) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(begins).not_valid_after(ends)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def written(
    key: Key,
    form: PrivateFormat = PrivateFormat.PKCS8,
    encryption: KeySerializationEncryption = NoEncryption(),  # noqa: B008 - it has no state
) -> bytes:
    return key.private_bytes(Encoding.PEM, form, encryption)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files of every kind."""
    folder = tmp_path_factory.mktemp("certificates")
    one, two = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    password, traditional = BestAvailableEncryption(b"x"), PrivateFormat.TraditionalOpenSSL
    made = {
        "one.pem": certificate("one", one),
        "two.pem": certificate("two", two),
        "one.key": written(one),
        "one-sec1.key": written(one, traditional),
        "two.key": written(two),
        "encrypted.key": written(one, encryption=password),
        "encrypted-old.key": written(two, traditional, password),
        "expired.pem": certificate("old", one, NOW - 9 * DAY, NOW - DAY),
        "early.pem": certificate("new", one, NOW + DAY, NOW + 9 * DAY),
        "empty.pem": b"\n",
        "text.pem": b"hello\n",
        "public.key": one.public_key().public_bytes(Encoding.PEM, format=PublicFormat.SubjectPublicKeyInfo),
    }
    made["both.pem"] = made["one.key"] + made["one.pem"]
    made["chain.pem"] = b"my certificates\n" + made["one.pem"] + made["two.pem"]
    made["bundle.pem"] = made["expired.pem"] + made["one.pem"]
    made["one.der"] = x509.load_pem_x509_certificate(made["one.pem"]).public_bytes(Encoding.DER)
    made["cut.pem"] = made["one.pem"][:200]
    lines = made["one.pem"].split(b"\n")
    made["damaged.pem"] = b"\n".join(lines[:2] + lines[3:])
    for name, content in made.items():
        (folder / name).write_bytes(content)
    (folder / "folder.pem").mkdir()
    return folder


TYPES = {
    "http_json": "url: https://x.example, metrics: {a: $.a}",
    "prometheus": "url: https://x.example, metrics: {a: up}",
    "sql": "url: postgresql://u@x.example/d, metrics: {a: SELECT 1}",
}


@pytest.fixture(params=TYPES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Checked:
    """``smithd check`` of a source with these keys."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys

    def __call__(self, source: str) -> tuple[int, str]:
        path = self._folder / "smithd.yaml"
        path.write_text(f"activitysmith: {{api_key: k}}\ntimezone: Asia/Tokyo\nsources:\n  a: {{{source}}}\n")
        status = run(["check", str(path)])
        printed = self._capsys.readouterr()
        return status, printed.out + printed.err


@pytest.fixture
def check(folder: Path, capsys: pytest.CaptureFixture[str]) -> Checked:
    return Checked(folder, capsys)


SOUND = [
    "ca_file: one.pem",
    "ca_file: chain.pem",
    "cert_file: both.pem",
    "cert_file: one.pem, key_file: one.key",
    "cert_file: one.pem, key_file: one-sec1.key",
    "cert_file: two.pem, key_file: two.key",
    "cert_file: chain.pem, key_file: one.key, ca_file: one.pem",
    "verify: false",
]


@pytest.mark.parametrize("tls", SOUND)
def test_sound_files_are_not_spoken_of(check: Checked, kind: str, tls: str) -> None:
    status, said = check(f"type: {kind}, {TYPES[kind]}, tls: {{{tls}}}")
    assert status == 0, said
    assert "warning" not in said


# What is written under 'tls', with » before the file that is reported, and what is said.
MISTAKES = [
    ("ca_file: »one.key", "has no certificate / it has: private key"),
    ("ca_file: »text.pem", "it is not PEM / expected a certificate in PEM"),
    ("ca_file: »one.der", "it is not PEM / this is binary (DER or PKCS #12)"),
    ("ca_file: »empty.pem", "it is empty"),
    ("ca_file: »cut.pem", "it ends within a block"),
    ("ca_file: »damaged.pem", "its certificate is damaged"),
    ("ca_file: »expired.pem", "the certificate of CN=old expired on / JST"),
    ("ca_file: »early.pem", "the certificate of CN=new is not valid before / JST / clock"),
    ("cert_file: »one.pem", "has no private key / in the same file, or 'key_file' with it"),
    ("cert_file: »one.key, key_file: one.key", "has no certificate"),
    ("cert_file: one.pem, key_file: »one.pem", "has no private key / it has: certificate"),
    ("cert_file: one.pem, key_file: »public.key", "has no private key / it has: public key"),
    ("cert_file: one.pem, key_file: »text.pem", "it is not PEM / expected a private key in PEM"),
    ("cert_file: one.pem, key_file: »two.key", "it is not the key of the certificate (CN=one)"),
    ("cert_file: chain.pem, key_file: »two.key", "it is the key of certificate 2 / our own certificate as the first"),
    ("cert_file: one.pem, key_file: »encrypted.key", "its key is encrypted / openssl pkey"),
    ("cert_file: two.pem, key_file: »encrypted-old.key", "its key is encrypted / openssl pkey"),
    ("cert_file: »expired.pem, key_file: one.key", "the certificate of CN=old expired on"),
    ("cert_file: »early.pem, key_file: one.key", "the certificate of CN=new is not valid before"),
]


@pytest.mark.parametrize(("tls", "expected"), MISTAKES)
def test_what_cannot_be_used_is_a_mistake_at_its_place(check: Checked, kind: str, tls: str, expected: str) -> None:
    source = f"type: {kind}, {TYPES[kind]}, tls: {{{tls}}}"
    status, said = check(source.replace("»", ""))
    assert status == 2, said
    assert f"smithd.yaml:4:{len('  a: {') + source.index('»') + 1}: " in said
    for part in expected.split(" / "):
        assert part in said
    assert "1 mistake in " in said


def test_all_mistakes_of_a_file_are_shown_in_one_run(check: Checked) -> None:
    status, said = check("type: http_json, url: https://x.example, metrics: {}, tls: {ca_file: text.pem}")
    assert status == 2
    status, said = check(f"type: http_json, {TYPES['http_json']}, tls: {{cert_file: expired.pem, key_file: two.key}}")
    assert "expired on" in said
    assert "it is not the key of the certificate" in said
    assert "2 mistakes in " in said


@pytest.mark.parametrize(("file", "why"), [("nowhere.pem", "no such file"), ("folder.pem", "is a directory")])
@pytest.mark.parametrize("option", ["ca_file", "cert_file"])
def test_what_cannot_be_read_here_is_a_warning(check: Checked, kind: str, option: str, file: str, why: str) -> None:
    source = f"type: {kind}, {TYPES[kind]}, tls: {{{option}: "
    status, said = check(f"{source}{file}}}")
    assert status == 0, said
    assert f"smithd.yaml:4:{len('  a: {') + len(source) + 1}: warning: " in said
    assert f"{file} cannot be read here: {why}" in said


def test_of_authorities_of_which_some_have_expired_a_warning_says_so(check: Checked, kind: str) -> None:
    status, said = check(f"type: {kind}, {TYPES[kind]}, tls: {{ca_file: bundle.pem}}")
    assert status == 0, said
    assert "1 of 2 certificates cannot be used: the certificate of CN=old expired on" in said


def test_the_files_in_the_address_of_a_database_are_read(check: Checked, folder: Path) -> None:
    def said(query: str) -> str:
        return check(f"type: sql, url: 'postgresql://u@x.example/d?{query}', metrics: {{a: SELECT 1}}")[1]

    assert "text.pem cannot be used: it is not PEM" in said(f"sslmode=verify-full&sslrootcert={folder}/text.pem")
    assert "is fine" in said(f"sslmode=verify-full&sslrootcert={folder}/one.pem")
    assert "is fine" in said("sslmode=verify-full&sslrootcert=system")
    assert "not the key of the certificate (CN=one)" in said(f"sslcert={folder}/one.pem&sslkey={folder}/two.key")
    assert "is fine" in said(f"sslcert={folder}/one.pem&sslkey={folder}/one.key")
    mysql = "type: sql, url: 'mysql://u@x.example/d?ssl_ca={}', metrics: {{a: SELECT 1}}"
    assert "it is empty" in check(mysql.format(folder / "empty.pem"))[1]


def test_the_files_of_a_token_server_are_read_too(check: Checked) -> None:
    oauth2 = "token_url: 'https://x.example', client_id: a, client_secret: b, tls: {ca_file: text.pem}"
    _, said = check(f"type: http_json, {TYPES['http_json']}, auth: {{oauth2: {{{oauth2}}}}}")
    assert "text.pem cannot be used: it is not PEM" in said


def test_a_path_with_a_secret_that_is_missing_is_not_looked_for(check: Checked, kind: str) -> None:
    for tls in (
        "ca_file: '${credential:ca}'",
        "cert_file: one.pem, key_file: '${env:SMITHD_NOWHERE}/two.key'",
        "cert_file: '${env:SMITHD_NOWHERE}/one.pem', key_file: one.key",
    ):
        status, said = check(f"type: {kind}, {TYPES[kind]}, tls: {{{tls}}}")
        assert status == 0, said
        assert "cannot be" not in said
    status, said = check(
        f"type: {kind}, {TYPES[kind]}, tls: {{cert_file: expired.pem, key_file: '${{env:NOWHERE}}/k'}}"
    )
    assert "expired.pem cannot be used: the certificate of CN=old expired" in said, "the rest is looked at"


def test_a_daemon_and_a_rule_test_start_without_the_files(check: Checked, folder: Path) -> None:
    from smithd.config.load import load

    check(f"type: http_json, {TYPES['http_json']}, tls: {{ca_file: text.pem}}")
    assert load(folder / "smithd.yaml", secrets_required=True).warnings == ()
