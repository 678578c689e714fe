// Into how many parts the inputs of a product are split where there are few rows.
#pragma once

namespace amq::cuda {

/// The least number of slices in [least, most] with which `items` x slices fill whole rounds of `resident` blocks to
/// 7/8, or else the one that fills them best. O(most - least).
constexpr int choose_slices(long long items, long long resident, int least, int most) {
  int best = least;
  long long best_work = 0, best_room = 1;
  for (int slices = least; slices <= most; ++slices) {
    long long const work = items * slices, room = (work + resident - 1) / resident * resident;
    if (work * best_room > best_work * room) {
      best = slices;
      best_work = work;
      best_room = room;
    }
    if (8 * work >= 7 * room) break;
  }
  return best;
}

}  // namespace amq::cuda
