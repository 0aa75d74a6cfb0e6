{# What the frame of projections extends here, in place of the template of brian2cuda: a kernel and a function for each variant. #}
{% if _first %}
#include "device.h"
namespace brian {}
{% block extra_headers %}{% endblock %}
{% endif %}
{% block kernel %}{% endblock %}
void run_{{codeobj_name}}(Device& device)
{
    const int _N = 0, _m_0 = device.m, _n_0 = device.n, _trials_0 = device.trials, _start_0 = device.start;
{% block prepare_kernel %}{% endblock %}
{% block kernel_call %}{% endblock %}
}
