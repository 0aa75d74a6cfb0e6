"""What setup.cfg cannot say: data/ and examples/ are installed inside of organics_neuro, without a copy of them in the source."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["organics_neuro*"]), "organics_neuro.data", "organics_neuro.examples"],
    package_dir={"organics_neuro.data": "data", "organics_neuro.examples": "examples"},
)
