{# What the frame of a projection extends here, in place of the template of brian2cuda: a function for each variant. #}
{% if _first %}
#include "device.h"
{% block extra_headers %}{% endblock %}
{% endif %}
void run_{{_variant}}(Device& device)
{
{% block extra_kernel_call_post %}{% endblock %}
}
