// The check itself must fail on this file: what it leaves out brings another sentence than the one promised.
//
// WITHOUT_MEMBER: amq: a sentence that no compiler prints
struct policy {
#ifndef WITHOUT_MEMBER
  static constexpr bool member = true;
#else
  static constexpr bool member = false;
#endif
};
static_assert(policy::member, "amq: another sentence");
