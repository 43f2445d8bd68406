"""The site: chapters of spec/ as pages, and the API pages beside them."""

import sys

from mmuspec import __version__
from mmuspec.site.api import NO_PAGE

project = "mmuspec"
author = "The mmuspec authors"
copyright = "2026, the mmuspec authors"
release = version = __version__

extensions = [
    "myst_parser",
    "autodoc2",
    "sphinx_design",
    "sphinx_copybutton",
    "mmuspec.site",
]
nitpicky = True
# What lies outside this project cannot be linked without asking the network.
_outside = [*sys.stdlib_module_names, "numpy", "np", "numba", "markdown_it"]
nitpick_ignore_regex = [(r"py:.*", rf"({'|'.join(_outside)})(\..*)?")]
exclude_patterns = ["_build"]
toc_object_entries = False

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc2_packages = [
    {
        "path": "../src/mmuspec",
        "exclude_dirs": [
            "__pycache__",
            "axiomatic",
            "cli",
            "conform",
            "contract",
            "explain",
            "fast",
            "litmus",
            "monitor",
            "promela",
            "quick",
            "readers",
            "rules",
            "schedule",
            "site",
            "trace",
            "writers",
        ],
        "exclude_files": ["__main__.py"],
    }
]
autodoc2_output_dir = "apidocs"
autodoc2_render_plugin = "mmuspec.site.api.PackageRenderer"
autodoc2_skip_module_regexes = [NO_PAGE]
autodoc2_hidden_objects = ["private", "dunder", "inherited"]
autodoc2_class_docstring = "both"

html_theme = "furo"
html_title = "mmuspec"
html_static_path = ["_static"]
html_css_files = ["mmuspec.css"]
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
