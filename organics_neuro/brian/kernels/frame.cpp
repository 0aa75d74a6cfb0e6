{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
SUPPORT
{% endblock %}
{% block before_code %}
    BEFORE
{% endblock %}
{% block maincode %}
    const size_t _vectorisation_idx = -1;
    const int _N = {{constant_or_scalar('N', variables['N'])}};
    PARTS
{% endblock %}
