"""C++ programs of Brian2 before 2.10 ask for the processor's time after each step: as long as a small circuit's whole step takes.

It is needed at the end of a run, at each step if there is a longest time to run, and now and then for a report.
"""

from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from jinja2 import DictLoader

_TEMPLATE = "network.cpp"
_TIME = """        {% if openmp_pragma('with_openmp') %}
        elapsed_realtime = omp_get_wtime() - start;
        {% else %}
        current = std::clock();
        elapsed_realtime = (double)(current - start)/({{ openmp_pragma('get_num_threads') }} * CLOCKS_PER_SEC);
        {% endif %}
"""
_REPORT, _END = "            if (report_func)\n", "    Network::_globally_running = false;\n"
#: Steps from one look at the clock to the next where progress is reported.
_EVERY = 16


def ask_seldom() -> None:
    """Let programs that are written from now on ask for the time when it is needed; other versions of Brian2 are left alone."""
    env = CPPStandaloneCodeObject.templater.env
    text = env.loader.get_source(env, _TEMPLATE)[0]
    if not all(text.count(part) == 1 for part in (_TIME, _REPORT, _END)):
        return
    limited = "        {% if maximum_run_time is not none %}\n" + _TIME + "        {% endif %}\n"
    now_and_then = f"            if (report_func && i == 0 && _steps++ % {_EVERY} == 0)\n"
    text = text.replace(_TIME, limited).replace(_REPORT, now_and_then).replace(_END, _TIME + _END)
    text = text.replace(
        "    double elapsed_realtime;\n", "    double elapsed_realtime;\n    unsigned long _steps = 0;\n"
    )
    env.loader.loaders.insert(0, DictLoader({_TEMPLATE: text}))


ask_seldom()
