// What was fastest on this machine, by bytes of weights: how many streams, and whether to ask for weights ahead of time.
#define ORGANICS_CHOICES(CHOICE) CHOICES
namespace {
// Numbers in a panel of one stream.
template <typename Real>
inline int organics_stream_width(const double bytes)
{
#define ORGANICS_WIDTH(most, streams, ahead) if (bytes <= most) return SUMS/streams*organics_vector<Real>::lanes;
    ORGANICS_CHOICES(ORGANICS_WIDTH)
    return 0;
}

template <typename Real>
inline void organics_one_trial(const Real* x, Real* r, const int m, const int n, const Real* packed, const bool back)
{
    const double bytes = (double)m*n*sizeof(Real);
#define ORGANICS_READ(most, streams, ahead) if (bytes <= most) return organics_streams<Real, streams, ahead>(x, r, m, n, packed, back);
    ORGANICS_CHOICES(ORGANICS_READ)
}
}
