// Blocks of 256 threads for so many results; threads go on with the next result when there are more.
#ifndef ORGANICS_BLOCKS
#define ORGANICS_BLOCKS
inline int organics_blocks(const size_t count)
{
    return count < 256*65535ul ? (count + 255)/256 : 65535;
}
#endif
