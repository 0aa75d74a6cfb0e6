// before the first step of a run, and not earlier: only then has Brian2 set the arguments that a program was started with
if ({{_w_fresh@}}[0])
{
    SIZES
    PREPARE
    {{_w_fresh@}}[0] = 0;
}
