// The ring is cut open and followed by zeros: then no product of polynomials wraps, and the ring is closed at the end.
// With N a power of two, not below n, the coefficient j of the product of two real polynomials and that of j + N are the
// real and the imaginary part of one complex number: the product modulo x^N = i. Multiplied by exp(i pi j/(2 N)), the
// coefficients are those of a product modulo x^N = 1, which a Fourier transform of length N makes.
//
// The N numbers are a matrix (rows, columns): its columns are transformed, then, after a turn of each number, its rows.
// All loops go over 16 neighbouring columns, which are copied to a strip that stays in the cache; rows become columns on
// the way. Nothing is put back in order after a transform: the spectrum of the weights has the same order.
namespace {
// Columns of a strip (rows, 16), in place: forward to the order of reversed bits, back from it. The roots of 1 are those
// of rows*step.
template <typename Real>
void organics_transform(Real* re, Real* im, const int rows, const Real* cosines, const Real* sines, const int step,
                        const bool back)
{
    for (int half = back ? 1 : rows/2; half > 0 && half < rows; half = back ? 2*half : half/2)
        for (int first = 0; first < rows; first += 2*half)
            for (int j = 0; j < half; j++)
            {
                const int root = j*(rows/2/half)*step;
                const Real c = cosines[root], s = sines[root];
                Real *a = re + (first + j)*STRIP, *ai = im + (first + j)*STRIP, *b = a + half*STRIP, *bi = ai + half*STRIP;
                if (back)
                    for (int k = 0; k < STRIP; k++)
                    {
                        const Real d = c*b[k] - s*bi[k], di = c*bi[k] + s*b[k];
                        b[k] = a[k] - d, bi[k] = ai[k] - di;
                        a[k] += d, ai[k] += di;
                    }
                else
                    for (int k = 0; k < STRIP; k++)
                    {
                        const Real d = a[k] - b[k], di = ai[k] - bi[k];
                        a[k] += b[k], ai[k] += bi[k];
                        b[k] = c*d + s*di, bi[k] = c*di - s*d;
                    }
            }
}

// (re + i im)(c + i s)
template <typename Real>
inline void organics_turn(const Real re, const Real im, const Real c, const Real s, Real& to_re, Real& to_im)
{
    to_re = re*c - im*s, to_im = re*s + im*c;
}

template <typename Real>
void organics_ring_by_fourier(const Real* x, Real* r, const int n, const int rows, const int columns, const Real* twist,
                              const Real* turns, const Real* spectrum, const Real* roots, Real* re, Real* im, Real* strip)
{
    const int N = rows*columns;
    Real* const strip_im = strip + rows*STRIP;
    for (int first = 0; first < columns; first += STRIP)
    {
        for (int j = 0; j < rows; j++)
            for (int k = 0; k < STRIP; k++)
            {
                const int i = j*columns + first + k;
                const Real value = i < n ? x[i] : 0;
                strip[j*STRIP + k] = value*twist[i], strip_im[j*STRIP + k] = value*twist[N + i];
            }
        organics_transform<Real>(strip, strip_im, rows, roots, roots + rows/2, 1, false);
        for (int j = 0; j < rows; j++)
            for (int k = 0; k < STRIP; k++)
            {
                const int i = j*columns + first + k, at = j*STRIP + k;
                organics_turn<Real>(strip[at], strip_im[at], turns[i], turns[N + i], re[i], im[i]);
            }
    }
    for (int first = 0; first < rows; first += STRIP)
    {
        for (int k = 0; k < STRIP; k++)
            for (int j = 0; j < columns; j++)
            {
                const int i = (first + k)*columns + j, at = j*STRIP + k;
                strip[at] = re[i], strip_im[at] = im[i];
            }
        organics_transform<Real>(strip, strip_im, columns, roots, roots + rows/2, rows/columns, false);
        for (int j = 0; j < columns; j++)
            for (int k = 0; k < STRIP; k++)
            {
                const int i = j*rows + first + k, at = j*STRIP + k;
                organics_turn<Real>(strip[at], strip_im[at], spectrum[i], spectrum[N + i], strip[at], strip_im[at]);
            }
        organics_transform<Real>(strip, strip_im, columns, roots, roots + rows/2, rows/columns, true);
        for (int k = 0; k < STRIP; k++)
            for (int j = 0; j < columns; j++)
            {
                const int i = (first + k)*columns + j, at = j*STRIP + k;
                re[i] = strip[at], im[i] = strip_im[at];
            }
    }
    for (int first = 0; first < columns; first += STRIP)
    {
        for (int j = 0; j < rows; j++)
            for (int k = 0; k < STRIP; k++)
            {
                const int i = j*columns + first + k, at = j*STRIP + k;
                organics_turn<Real>(re[i], im[i], turns[i], -turns[N + i], strip[at], strip_im[at]);
            }
        organics_transform<Real>(strip, strip_im, rows, roots, roots + rows/2, 1, true);
        for (int j = 0; j < rows; j++)
            for (int k = 0; k < STRIP; k++)
            {
                const int i = j*columns + first + k, at = j*STRIP + k;
                organics_turn<Real>(strip[at], strip_im[at], twist[i], -twist[N + i], re[i], im[i]);
            }
    }
    for (int i = 0; i < n; i++) r[i] = re[i] + (i + n < N ? re[i + n] : im[i + n - N]);
}

template <typename Real>
void _organics_fourier(const Real* x, Real* r, const int, const int n, const int trials, const int* shape, const Real*,
                       const Real* twist, const Real* turns, const Real* spectrum, const Real* roots, Real* re, Real* im,
                       Real* strip)
{
    for (int b = 0; b < trials; b++)
        organics_ring_by_fourier<Real>(x + (size_t)b*n, r + (size_t)b*n, n, shape[0], shape[1], twist, turns, spectrum,
                                       roots, re, im, strip);
}
}
