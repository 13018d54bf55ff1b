"""Metadata of the package, all of it; pyproject.toml holds only the settings of tools."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = next(
    line.split('"')[1]
    for line in (HERE / "fsdaemon" / "__init__.py").read_text("utf-8").splitlines()
    if line.startswith("__version__")
)

RUN = ["gevent>=22.10", "greenswitch>=0.0.19", "tomli>=2.0", "loguru>=0.6"]
RUN += ["phonenumbers>=8.12", "prometheus_client>=0.16", "rich>=13"]
TEST = ["pytest>=8", "hypothesis>=6.100"]
BROWSER = ["playwright>=1.40"]
LIVE = ["pjsua2-python>=2.14"]
BENCH = ["genesis", "matplotlib"]
MANUAL = ["argparse-manpage>=4.5", "markdown-it-py>=2.1", "shtab>=1.7"]
LINT = ["ruff>=0.9", "mypy>=1.14"]

setup(
    name="fsdaemon",
    version=VERSION,
    description="Call-forward exception and display for FreeSWITCH: "
    "the secretary reaches the boss, and sees for whom a call was",
    long_description=(HERE / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    packages=find_packages(include=["fsdaemon", "fsdaemon.*"]),
    package_data={"fsdaemon": ["py.typed"], "fsdaemon.daemon": ["page.html"]},
    python_requires=">=3.9",
    install_requires=RUN,
    extras_require={
        "test": TEST,
        "live": LIVE,
        "browser": BROWSER,
        "bench": BENCH,
        "manual": MANUAL,
        "lint": LINT,
        "dev": TEST + LINT,
    },
    entry_points={"console_scripts": ["fsdaemon = fsdaemon.cli.main:main"]},
    classifiers=[
        "Environment :: No Input/Output (Daemon)",
        "Intended Audience :: Telecommunications Industry",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Communications :: Internet Phone",
        "Typing :: Typed",
    ],
)
