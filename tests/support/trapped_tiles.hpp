// AMX's instructions themselves, on emulated tiles: where the processor refuses one, its signal is answered by doing
// what the instruction says and going on behind it.
#pragma once

#if defined(__x86_64__) && defined(__linux__)

#include <signal.h>
#include <ucontext.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "support/emulated_tiles.hpp"

namespace amq::test {

/// An instruction of AMX: C4, two bytes of VEX prefix, opcode, operands. `length` is 0 for any other.
struct tile_instruction {
  int length = 0;
  int opcode = 0;  ///< with the prefix's two bits for 66, F3 and F2 above it
  int reg = 0;
  int rm = 0;
  int third = 0;
  bool memory = false;
  std::int64_t base = 0;   ///< of the operand in memory, displacement included
  std::int64_t index = 0;  ///< scaled

  tile_instruction(std::uint8_t const* at, greg_t const* registers) {
    if (at[0] != 0xc4 || (at[1] & 0x1f) != 2 || (at[2] & 0x84) != 0) return;
    opcode = (at[2] & 3) << 8 | at[3];
    third = ~at[2] >> 3 & 15;
    reg = at[4] >> 3 & 7;
    rm = at[4] & 7;
    memory = at[4] >> 6 != 3;
    length = 5;
    if (memory) locate(at, registers);
  }

 private:
  void locate(std::uint8_t const* at, greg_t const* registers) {
    static constexpr std::array numbers{REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                        REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    auto const value = [&](int low, bool high) { return registers[numbers[static_cast<std::size_t>(low + 8 * high)]]; };
    int const mode = at[4] >> 6;
    bool const high_base = (at[1] & 0x20) == 0, high_index = (at[1] & 0x40) == 0;
    int base_register = rm;
    if (rm == 4) {
      std::uint8_t const sib = at[length++];
      base_register = sib & 7;
      int const scaled = sib >> 3 & 7;
      if (scaled != 4 || high_index) index = value(scaled, high_index) << (sib >> 6);
    }
    bool const no_base = mode == 0 && base_register == 5;
    std::int8_t byte = 0;
    std::int32_t word = 0;
    if (mode == 1) std::memcpy(&byte, at + length, 1), length += 1;
    if (mode == 2 || no_base) std::memcpy(&word, at + length, 4), length += 4;
    base = no_base ? (rm == 5 ? reinterpret_cast<std::int64_t>(at + length) : 0) : value(base_register, high_base);
    base += byte + word;
  }
};

/// While it lives, no AMX instruction of this process fails for want of tiles. One at a time.
class trapped_tiles {
 public:
  trapped_tiles() {
    struct sigaction action {};
    action.sa_sigaction = answer;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    ::sigaction(SIGILL, &action, &before_);
  }
  trapped_tiles(trapped_tiles const&) = delete;
  trapped_tiles& operator=(trapped_tiles const&) = delete;
  ~trapped_tiles() { ::sigaction(SIGILL, &before_, nullptr); }

  /// Whether the calling thread has tiles that it did not release.
  static bool held() { return tiles().has_value(); }

 private:
  static std::optional<emulated_tiles>& tiles() {
    thread_local std::optional<emulated_tiles> mine;
    return mine;
  }

  static void answer(int, siginfo_t*, void* context) noexcept {
    auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    tile_instruction const next(reinterpret_cast<std::uint8_t const*>(registers[REG_RIP]), registers);
    if (next.length == 0 || !execute(next)) std::abort();
    registers[REG_RIP] += next.length;
  }

  static bool execute(tile_instruction const& next) {
    auto* const memory = reinterpret_cast<void*>(next.base);
    auto& mine = tiles();
    if (next.opcode == 0x049 && next.memory) {
      mine.emplace(*static_cast<paths::amx_shapes const*>(memory));
      return true;
    }
    if (!mine) return false;
    switch (next.opcode) {
      case 0x049:
        return mine.reset(), true;
      case 0x349:
        return mine->zero(next.reg), true;
      case 0x34b:
        return mine->load(next.reg, memory, next.index), true;
      case 0x24b:
        return mine->store(next.reg, memory, next.index), true;
      case 0x25c:
        return mine->dot_bf16(next.reg, next.rm, next.third), true;
      case 0x25e:
        return mine->dot_int8(next.reg, next.rm, next.third), true;
      default:
        return false;
    }
  }

  struct sigaction before_ {};
};

}  // namespace amq::test

#endif
