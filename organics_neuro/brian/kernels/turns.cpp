// weights are read forwards and backwards in turn: what was read last is still in the cache
static bool _back = false;
if (_back)
{
    BACKWARDS
}
else
{
    FORWARDS
}
_back = !_back;
