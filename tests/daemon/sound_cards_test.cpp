#include "daemon/sound_cards.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace emotiond::daemon {
namespace {

namespace fs = std::filesystem;

TEST(SoundCards, TellsWhatStaysTheSameWhenNumbersChange) {
    const fs::path root =
        fs::path(testing::TempDir()) / ("emotiond-cards-" + std::to_string(getpid()));
    fs::remove_all(root);
    fs::create_directories(root / "proc/asound");
    // As the kernel prints it, the second line of each card included.
    std::ofstream(root / "proc/asound/cards")
        << " 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n"
           "                      HDA Intel PCH at 0xf7f10000 irq 31\n"
           " 1 [Headset        ]: USB-Audio - Plantronics Blackwire 3220 Seri\n"
           "                      Plantronics at usb-0000:00:14.0-2.3, full speed\n";
    fs::create_directories(root / "sys/class/sound/card0");
    fs::create_directories(root / "sys/class/sound/card1");
    fs::create_symlink("../../../0000:00:1f.3", root / "sys/class/sound/card0/device");
    fs::create_symlink("../../../1-2.3:1.0", root / "sys/class/sound/card1/device");

    const std::vector<SoundCard> cards = sound_cards(root);
    ASSERT_EQ(cards.size(), 2U);
    EXPECT_EQ(cards[0].number, 0);
    EXPECT_EQ(cards[0].id, "PCH");
    EXPECT_EQ(cards[0].name, "HDA Intel PCH");
    EXPECT_EQ(cards[0].usb_path, "");
    EXPECT_EQ(cards[1].number, 1);
    EXPECT_EQ(cards[1].id, "Headset");
    EXPECT_EQ(cards[1].usb_path, "1-2.3");
    fs::remove_all(root);
}

TEST(SoundCards, WithoutAlsaThereAreNone) {
    EXPECT_THAT(sound_cards("/nowhere"), testing::IsEmpty());
}

}  // namespace
}  // namespace emotiond::daemon
