#include "amq/io/fingerprint.hpp"

#include "support/files.hpp"

TEST_CASE("SHA-256 of the standard's examples (FIPS 180-4)", "[io]") {
  CHECK(amq::sha256().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(amq::sha256().update("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(amq::sha256().update("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").hex() ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  amq::sha256 million;
  for (int i = 0; i < 1000; ++i) million.update(std::string(1000, 'a'));
  CHECK(million.hex() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a fingerprint is of the bytes, not of the pieces, unless they are delimited", "[io]") {
  CHECK(amq::sha256().update("a").update("bc").hex() == amq::sha256().update("abc").hex());
  CHECK(amq::sha256().update_delimited("a").update_delimited("bc").hex() !=
        amq::sha256().update_delimited("ab").update_delimited("c").hex());
  CHECK(amq::sha256().update(std::int64_t{0x0201}).hex() ==
        amq::sha256().update(std::string("\x01\x02\0\0\0\0\0\0", 8)).hex());
}
