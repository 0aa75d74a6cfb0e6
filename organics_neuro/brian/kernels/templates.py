"""Templates of Brian2's C++ programs that are made quicker; a version of Brian2 that has other ones is left alone."""

from collections.abc import Callable

from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from jinja2 import DictLoader


def rewrite(name: str, parts: dict[str, str], **functions: Callable) -> bool:
    """Write programs from now on with each of the ``parts`` of a template replaced by another text.

    Parameters
    ----------
    name : str
        Of the template.
    parts : dict of str
        What takes the place of a text, which must be there once; in this order.
    **functions
        What the new texts call.

    Returns
    -------
    bool
        Whether all parts were found; if not, nothing is changed.
    """
    env = CPPStandaloneCodeObject.templater.env
    text = env.loader.get_source(env, name)[0]
    if not all(text.count(part) == 1 for part in parts):
        return False
    for part, other in parts.items():
        text = text.replace(part, other)
    env.globals.update(functions)
    env.loader.loaders.insert(0, DictLoader({name: text}))
    return True
