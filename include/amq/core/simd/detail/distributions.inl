// Body of distributions.hpp. A row's largest logit is subtracted before anything is exponentiated; sums are taken in
// f32 over eight vectors and in f64 from there on.

AMQ_SIMD_INLINE f32 load_logits(float const* p, int count) {
  if (count == f32::width) return f32::load(p);
  return select(first_lanes(count), load_some(p, count), f32::broadcast(-std::numeric_limits<float>::infinity()));
}

inline float largest(float const* x, index n) {
  f32 all = f32::broadcast(-std::numeric_limits<float>::infinity());
  for (index i = 0; i < n; i += f32::width) all = max(all, load_logits(x + i, lanes(n - i)));
  return reduce_max(all);
}

/// totals[s] = sum over the row of what `terms(i, count, sums)` adds to sums[s] for elements [i, i + count).
template <class Terms>
AMQ_SIMD_INLINE void sum_row(Terms const& terms, index n, double (&totals)[Terms::sums]) {
  constexpr index block = 8 * f32::width;
  f64 low[Terms::sums], high[Terms::sums];
  for (int s = 0; s < Terms::sums; ++s) low[s] = high[s] = f64::zero();
  for (index first = 0; first < n; first += block) {
    f32 sums[Terms::sums];
    for (int s = 0; s < Terms::sums; ++s) sums[s] = f32::zero();
    index const end = n - first < block ? n : first + block;
    for (index i = first; i < end; i += f32::width) terms(i, lanes(n - i), sums);
    for (int s = 0; s < Terms::sums; ++s) {
      low[s] = low[s] + widen_low(sums[s]);
      high[s] = high[s] + widen_high(sums[s]);
    }
  }
  for (int s = 0; s < Terms::sums; ++s) totals[s] = reduce_add(low[s] + high[s]);
}

/// Sum of e^(x - shift), and of that times (x - shift). Writes the exponentials to `out` if there is one.
struct exponential_terms {
  static constexpr int sums = 2;
  float const* x;
  float* out;
  f32 shift;
  AMQ_SIMD_INLINE void operator()(index i, int count, f32 (&sum)[2]) const {
    // Below -200 the exponential is 0; the bound keeps 0 times infinity out of the sum.
    f32 const d = max(f32::broadcast(-200), load_logits(x + i, count) - shift), e = exp(d);
    if (out) store_some(e, out + i, count);
    sum[0] = sum[0] + e;
    sum[1] = fma(e, d, sum[1]);
  }
};

inline row_summary summarise_row(float const* x, float* out, index n) {
  float const shift = largest(x, n);
  double sums[2];
  sum_row(exponential_terms{x, out, f32::broadcast(shift)}, n, sums);
  double const log_sum = std::log(sums[0]);
  return {shift, sums[0], shift + log_sum, sums[1] / sums[0] - log_sum};
}

inline void softmax_row(float* x, index n) {
  row_summary const row = summarise_row(x, x, n);
  map_rows(multiply_operation{f32::broadcast(static_cast<float>(1 / row.sum))}, x, n, x);
}

/// Exponentials that were kept.
struct kept_exponentials {
  float const* e;
  AMQ_SIMD_INLINE f32 operator()(index i, int count) const { return load_some(e + i, count); }
};
/// Exponentials made again from the logits.
struct fresh_exponentials {
  float const* x;
  f32 shift;
  AMQ_SIMD_INLINE f32 operator()(index i, int count) const { return exp(load_logits(x + i, count) - shift); }
};

/// Sums of e_p ln M and e_q ln M for M = max((P + Q) / 2, 1e-7).
template <class P, class Q>
struct mixture_terms {
  static constexpr int sums = 2;
  P p;
  Q q;
  f32 half_p, half_q;
  AMQ_SIMD_INLINE void operator()(index i, int count, f32 (&sum)[2]) const {
    f32 const e_p = p(i, count), e_q = q(i, count);
    f32 const log_m = log(max(fma(e_p, half_p, e_q * half_q), f32::broadcast(1e-7f)));
    sum[0] = fma(e_p, log_m, sum[0]);
    sum[1] = fma(e_q, log_m, sum[1]);
  }
};

template <class P, class Q>
AMQ_SIMD_INLINE double jensen_shannon(P p, row_summary const& of_p, Q q, row_summary const& of_q, index n) {
  f32 const half_p = f32::broadcast(static_cast<float>(0.5 / of_p.sum));
  f32 const half_q = f32::broadcast(static_cast<float>(0.5 / of_q.sum));
  double sums[2];
  sum_row(mixture_terms<P, Q>{p, q, half_p, half_q}, n, sums);
  return 0.5 * (of_p.mean_log - sums[0] / of_p.sum + of_q.mean_log - sums[1] / of_q.sum);
}

inline double jensen_shannon_rows(row_distribution const& p, row_distribution const& q) {
  return jensen_shannon(kept_exponentials{p.exponentials}, p.summary, kept_exponentials{q.exponentials}, q.summary,
                        p.size);
}

inline double jensen_shannon_logits(float const* p, float const* q, index n) {
  row_summary const of_p = summarise_row(p, nullptr, n), of_q = summarise_row(q, nullptr, n);
  return jensen_shannon(fresh_exponentials{p, f32::broadcast(of_p.largest)}, of_p,
                        fresh_exponentials{q, f32::broadcast(of_q.largest)}, of_q, n);
}

/// Sum of e_p (q - shift); a q of -infinity where e_p is 0 adds nothing.
template <class P>
struct cross_terms {
  static constexpr int sums = 1;
  P p;
  float const* q;
  f32 shift;
  AMQ_SIMD_INLINE void operator()(index i, int count, f32 (&sum)[1]) const {
    f32 const e_p = p(i, count), d = load_some(q + i, count) - shift;
    sum[0] = sum[0] + select(e_p == f32::zero(), f32::zero(), e_p * d);
  }
};

template <class P>
AMQ_SIMD_INLINE double kl_divergence(P p, row_summary const& of_p, float const* q, index n) {
  row_summary const of_q = summarise_row(q, nullptr, n);
  double sums[1];
  sum_row(cross_terms<P>{p, q, f32::broadcast(of_q.largest)}, n, sums);
  return of_p.mean_log - sums[0] / of_p.sum + std::log(of_q.sum);
}

inline double kl_divergence_row(row_distribution const& p, float const* q) {
  return kl_divergence(kept_exponentials{p.exponentials}, p.summary, q, p.size);
}

inline double kl_divergence_logits(float const* p, float const* q, index n) {
  row_summary const of_p = summarise_row(p, nullptr, n);
  return kl_divergence(fresh_exponentials{p, f32::broadcast(of_p.largest)}, of_p, q, n);
}

inline index argmax(float const* x, index n) {
  float const most = largest(x, n);
  for (index i = 0; i < n; i += f32::width)
    if (any(load_logits(x + i, lanes(n - i)) == f32::broadcast(most)))
      for (index j = i; j < n; ++j)
        if (x[j] == most) return j;
  return 0;
}
