// The weights are copied before every run: panel after panel of target units, source unit by source unit, so that the
// product reads them as one stream of whole, aligned vectors and never adds across a vector; or they are split for AMX tiles.
if (!organics_tiles<_Real>::prepare({{_w_matrix}}, {{_w_packed}}, _m, _n, _trials))
{
    organics_large_pages({{_w_packed}}, sizeof(_Real)*_m*_n);
    for (int _i = 0; _i < _m; _i++)
        for (int _j = 0; _j < _n; _j++)
        {
            const size_t _panel = PANEL/sizeof(_Real);
            {{_w_packed}}[_i/_panel*_panel*_n + _j*_panel + _i%_panel] = {{_w_matrix}}[(size_t)_i*_n + _j];
        }
}
