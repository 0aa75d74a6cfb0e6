"""What setup.cfg cannot say: the folder data/ is installed as organics_neuro/data, without a copy of it in the source."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["organics_neuro*"]), "organics_neuro.data"],
    package_dir={"organics_neuro.data": "data"},
)
