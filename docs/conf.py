"""Settings of the documentation site: ``make docs`` builds it into docs/_build/html."""

import sys
from pathlib import Path

import matplotlib as mpl

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
mpl.use("Agg")

import made  # noqa: E402  the pages that are made of code

import organics_neuro as on  # noqa: E402

made.write_all(HERE)

project = "organics_neuro"
author = "The organics_neuro developers"
project_copyright = author
version = release = on.__version__
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "sphinx.ext.viewcode",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "myst_nb",
]
templates_path = ["_templates"]
exclude_patterns = [
    "_build",
    "_templates",
    "made",
    "architecture.md",
    "jupyter_execute",
    "gallery/*.ipynb",
    "sg_execution_times.rst",
]
#: Pages link each other's headings.
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]

# The pages of the API are written from the docstrings.
autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_preprocess_types = False
#: One backtick in a docstring names an object; where there is none of that name it is shown as code.
default_role = "py:obj"
intersphinx_mapping = {}  # a build needs no network

# Tutorials are scripts in the percent format of jupytext; they run when the site is built, and again when they change.
nb_execution_mode = "cache"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_output_stderr = "remove"  # progress bars

sphinx_gallery_conf = {
    "examples_dirs": str(HERE.parent / "examples"),
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"demo\.py|__init__\.py",
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "matplotlib_animations": False,
    "abort_on_example_error": True,
    "min_reported_time": 5,
    "within_subsection_order": "FileNameSortKey",
    "reset_modules": ("matplotlib", "made.reset_brian"),
    "backreferences_dir": None,
    "copyfile_regex": r".*\.rst",
}

html_theme = "furo"
html_title = "organics_neuro"
html_static_path = ["_static", "images"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "sidebar_hide_name": False,
    "light_css_variables": {"color-brand-primary": "#0072b2", "color-brand-content": "#0072b2"},
    "dark_css_variables": {"color-brand-primary": "#56b4e9", "color-brand-content": "#56b4e9"},
}
suppress_warnings = ["config.cache", "mystnb.unknown_mime_type"]


def setup(app):
    # the type of the states of a cell has a page of its own
    app.connect("autodoc-skip-member", lambda app, what, name, obj, skip, options: True if name == "State" else None)
