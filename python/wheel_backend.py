"""Builds the wheel of drover-jd with the standard library alone (PEP 517 and 660): pip then installs without a network."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
SOURCE = ROOT / "src"
WHEEL_TIME = (2020, 1, 1, 0, 0, 0)


def build_wheel(wheel_directory: str, config_settings: object = None, metadata_directory: object = None) -> str:
    files = {path.relative_to(SOURCE).as_posix(): path.read_bytes() for path in sorted(SOURCE.glob("jd/*")) if path.is_file()}
    return write_wheel(Path(wheel_directory), files)


def build_editable(wheel_directory: str, config_settings: object = None, metadata_directory: object = None) -> str:
    return write_wheel(Path(wheel_directory), {"drover_jd.pth": f"{SOURCE}\n".encode()})


def build_sdist(sdist_directory: str, config_settings: object = None) -> str:
    project = read_project()
    stem = f"drover_jd-{project['version']}"
    with tarfile.open(Path(sdist_directory) / f"{stem}.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name in ["pyproject.toml", "wheel_backend.py", "README.md"]:
            archive.add(ROOT / name, f"{stem}/{name}")
        for path in sorted(SOURCE.glob("jd/*")):
            if path.is_file():
                archive.add(path, f"{stem}/src/jd/{path.name}")
        metadata = metadata_text(project).encode()
        entry = tarfile.TarInfo(f"{stem}/PKG-INFO")
        entry.size = len(metadata)
        archive.addfile(entry, io.BytesIO(metadata))
    return f"{stem}.tar.gz"


def write_wheel(directory: Path, files: dict[str, bytes]) -> str:
    project = read_project()
    info = f"drover_jd-{project['version']}.dist-info"
    contents = dict(files)
    contents[f"{info}/METADATA"] = metadata_text(project).encode()
    contents[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: drover\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{name},sha256={digest(data)},{len(data)}\n" for name, data in contents.items())
    contents[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    name = f"drover_jd-{project['version']}-py3-none-any.whl"
    with zipfile.ZipFile(directory / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in contents.items():
            entry = zipfile.ZipInfo(path, WHEEL_TIME)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return name


def read_project() -> dict[str, str]:
    # Python 3.8 to 3.10 cannot read TOML; our own table holds nothing but one-line strings.
    table = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[project]", 1)[1]
    return dict(re.findall(r'^([a-z-]+) = "([^"]*)"$', table, re.MULTILINE))


def metadata_text(project: dict[str, str]) -> str:
    head = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"License: {project['license']}",
        f"Requires-Python: {project['requires-python']}",
        "Description-Content-Type: text/markdown",
    ]
    return "\n".join(head) + "\n\n" + (ROOT / project["readme"]).read_text(encoding="utf-8")


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
