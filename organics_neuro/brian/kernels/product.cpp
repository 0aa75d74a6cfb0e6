// the weights times the buffer, into the target
{
    SIZES
    const _Real* __restrict _x = {{_source@}};
    _Real* __restrict _r = {% if '_product@' in variables %}{{_product@}}{% else %}{{_target@}} + {{_start@}}{% endif %};
    KERNEL
    {% if '_product@' in variables %}
    for (size_t _k = 0; _k < (size_t)_m*_trials; _k++) {{_target@}}[{{_start@}} + _k] = _r[_k];
    {% endif %}
}
