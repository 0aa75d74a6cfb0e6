"""Templates of Brian2 and brian2cuda in which parts are replaced; a version that has other ones is left alone."""

from collections.abc import Callable, Mapping

from jinja2 import DictLoader


def rewrite(codeobject: type, name: str, parts: Mapping[str, str], **functions: Callable) -> list[str]:
    """Write programs from now on with each of the ``parts`` of a template replaced by another text.

    Parameters
    ----------
    codeobject : type
        Class of Brian2 whose template it is.
    name : str
        Of the template.
    parts : dict of str
        What takes the place of a text, which must be there once; in this order.
    **functions
        What the new texts call.

    Returns
    -------
    list of str
        The parts that were not found; if there are any, nothing is changed.
    """
    env = codeobject.templater.env
    text = env.loader.get_source(env, name)[0]
    if missing := [part for part in parts if text.count(part) != 1]:
        return missing
    for part, other in parts.items():
        text = text.replace(part, other)
    env.globals.update(functions)
    env.loader.loaders.insert(0, DictLoader({name: text}))
    return []
