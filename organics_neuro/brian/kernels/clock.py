"""C++ programs of Brian2 before 2.10 ask for the processor's time after each step: as long as a small circuit's whole step takes.

It is needed at the end of a run, at each step if there is a longest time to run, and now and then for a report.
"""

from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject

from organics_neuro.brian.kernels.templates import rewrite

_TIME = """        {% if openmp_pragma('with_openmp') %}
        elapsed_realtime = omp_get_wtime() - start;
        {% else %}
        current = std::clock();
        elapsed_realtime = (double)(current - start)/({{ openmp_pragma('get_num_threads') }} * CLOCKS_PER_SEC);
        {% endif %}
"""
_NUMBERS = "    double elapsed_realtime;\n"
_REPORT, _END = "            if (report_func)\n", "    Network::_globally_running = false;\n"
#: Steps from one look at the clock to the next where progress is reported.
_EVERY = 16

rewrite(
    CPPStandaloneCodeObject,
    "network.cpp",
    {
        _TIME: "        {% if maximum_run_time is not none %}\n" + _TIME + "        {% endif %}\n",
        _END: _TIME + _END,
        _NUMBERS: _NUMBERS + "    unsigned long _steps = 0;\n",
        _REPORT: f"            if (report_func && i == 0 && _steps++ % {_EVERY} == 0)\n",
    },
)
