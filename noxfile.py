"""Sessions of the project: docs, doctest, tests, lint, evidence, bench."""

import webbrowser
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "docs", "lint"]

ROOT = Path(__file__).parent
SITE = ROOT / "build" / "html"
GROUPS = nox.project.load_toml("pyproject.toml")
# Without .pyc files every start of numba costs a second.
COMPILED: dict[str, str | None] = {
    "PYTHONDONTWRITEBYTECODE": None,
    "UV_COMPILE_BYTECODE": "1",
}


def install(session: nox.Session, *groups: str, dependencies: bool = True) -> None:
    """Install the package in place, and the dependency groups named."""
    alone = [] if dependencies else ["--no-deps"]
    session.install(*alone, "-e", ".", env=COMPILED, silent=True)
    session.install(*nox.project.dependency_groups(GROUPS, *groups), env=COMPILED, silent=True)


@nox.session
def tests(session: nox.Session) -> None:
    """Everything: the tests, and the examples of chapters and docstrings."""
    install(session, "test", "docs")
    # The examples of a chapter share a namespace, so a file stays on one worker.
    session.run("pytest", "-n", "2", "--dist", "loadfile", *session.posargs, env=COMPILED)


@nox.session
def doctest(session: nox.Session) -> None:
    """Only the examples of the chapters and docstrings (or of the paths given)."""
    install(session, "test")
    session.run("pytest", *(session.posargs or ["spec", "src"]), env=COMPILED)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site; `nox -s docs -- --open` shows it."""
    # The site reads sources and runs the model: it needs neither numba nor NumPy.
    install(session, "docs", dependencies=False)
    options = ["-W", "--keep-going", "-n", "-q", "-j", "auto", "-c", "docs", "-d", "build/doctrees"]
    session.run("sphinx-build", *options, "spec", str(SITE), env=COMPILED)
    index = (SITE / "index.html").as_uri()
    session.log(f"the site is at {index}")
    if "--open" in session.posargs:
        webbrowser.open(index)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, formatting and types."""
    install(session, "lint")
    session.install("nox", env=COMPILED, silent=True)
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy", env=COMPILED)


@nox.session
def evidence(session: nox.Session) -> None:
    """Run every mutant of every chapter, and tell what catches it."""
    install(session, "docs", dependencies=False)
    session.run("python", "-m", "mmuspec.rules.evidence", *session.posargs, env=COMPILED)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what the project promises about speed."""
    install(session, "test", "docs")
    session.run("python", "bench/run.py", *session.posargs, env=COMPILED)
