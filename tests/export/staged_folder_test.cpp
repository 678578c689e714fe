#include "amq/export/staged_folder.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

TEST_CASE("a staged folder appears with commit and leaves nothing behind without") {
  amq_test::scratch_folder const scratch;
  auto const target = scratch.path() / "a" / "model";
  {
    amq::staged_folder staged(target, "mark.json");
    std::ofstream(staged.path() / "mark.json") << "1";
    CHECK_FALSE(std::filesystem::exists(target));
  }
  CHECK(std::filesystem::is_empty(scratch.path() / "a"));
  amq::staged_folder staged(target, "mark.json");
  std::ofstream(staged.path() / "mark.json") << "2";
  staged.commit();
  CHECK(amq_test::read_bytes(target / "mark.json") == "2");
}

TEST_CASE("only folders that are empty or carry the mark are replaced") {
  amq_test::scratch_folder const scratch;
  auto const folder = scratch.path() / "out";
  std::filesystem::create_directory(folder);
  scratch.write("out/mark.json", "old");
  {
    amq::staged_folder staged(folder / "", "mark.json",
                              amq::existing_folder::replace);  // a trailing slash names the same folder
    std::ofstream(staged.path() / "mark.json") << "new";
    staged.commit();
  }
  CHECK(amq_test::read_bytes(folder / "mark.json") == "new");
  auto const unasked = [&] { amq::staged_folder(folder, "mark.json"); };
  CHECK(amq_test::lacks(amq_test::refusal(unasked), {"amq wrote before", "--force"}) == "");
  CHECK(amq_test::read_bytes(folder / "mark.json") == "new");
  scratch.write("out/notes.txt", "keep me");
  auto const with_notes = [&] {
    amq::staged_folder staged(folder, "mark.json", amq::existing_folder::replace);
    std::ofstream(staged.path() / "mark.json") << "newer";
    staged.commit();
  };
  CHECK(amq_test::lacks(amq_test::refusal(with_notes), {"notes.txt"}) == "");
  CHECK(amq_test::read_bytes(folder / "notes.txt") == "keep me");
  CHECK(amq_test::read_bytes(folder / "mark.json") == "new");

  std::filesystem::create_directory(scratch.path() / "mine");
  scratch.write("mine/thesis.tex", "years of work");
  auto const foreign = [&] { amq::staged_folder(scratch.path() / "mine", "mark.json"); };
  CHECK(amq_test::lacks(amq_test::refusal(foreign), {"mine", "other files"}) == "");
  CHECK(amq_test::read_bytes(scratch.path() / "mine" / "thesis.tex") == "years of work");
  CHECK(amq_test::lacks(amq_test::refusal([] { amq::staged_folder("/", "mark.json"); }), {"other files"}) == "");
  scratch.write("file", "");
  CHECK(amq_test::lacks(amq_test::refusal([&] { amq::staged_folder(scratch.path() / "file", "m"); }),
                        {"not a folder"}) == "");
  CHECK(amq_test::lacks(amq_test::refusal([&] { amq::staged_folder(scratch.path() / "file" / "below", "m"); }),
                        {"below"}) == "");
}
