// the weights are copied before every run, as panels or, if AMX tiles take them, as slices
if (!organics_tiles<_Real>::prepare({{_w_matrix}}, _m, _n, _trials))
    organics_pack({{_w_matrix}}, _m, _n, organics_width<_Real>(_m, _n, _trials));
