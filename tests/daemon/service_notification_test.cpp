#include "daemon/service_notification.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "tests/support/notify_socket.hpp"

namespace emotiond::daemon {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// A service manager that wants a ping every 40 ms.
class ServiceNotificationTest : public testing::Test {
 protected:
    ServiceNotificationTest() {
        setenv("NOTIFY_SOCKET", manager_.path().c_str(), 1);
        setenv("WATCHDOG_USEC", "40000", 1);
    }
    ~ServiceNotificationTest() override {
        unsetenv("NOTIFY_SOCKET");
        unsetenv("WATCHDOG_USEC");
    }

    std::vector<std::string> told() { return manager_.read_all(); }
    /// A tick as long after the last one as makes a ping due.
    std::vector<std::string> tick(const AudioProgress& audio) {
        std::this_thread::sleep_for(12ms);
        notification().tick(audio);
        return told();
    }
    ServiceNotification& notification() {
        static_cast<void>(told());
        return notification_ ? *notification_ : notification_.emplace();
    }

    test::NotifySocket manager_;
    std::optional<ServiceNotification> notification_;
};

TEST_F(ServiceNotificationTest, TellsWhatTheManagerWaitsFor) {
    notification().ready();
    EXPECT_THAT(told(), ElementsAre("READY=1"));
    notification().reloading();
    EXPECT_THAT(told(), ElementsAre(StartsWith("RELOADING=1\nMONOTONIC_USEC=")));
    notification().stopping();
    EXPECT_THAT(told(), ElementsAre(AllOf(HasSubstr("STOPPING=1"), HasSubstr("STATUS="))));
}

TEST_F(ServiceNotificationTest, PingsOnlyWhileSoundComes) {
    EXPECT_THAT(tick({.samples = 100, .live = 1, .streams = 1}),
                ElementsAre("STATUS=1 of 1 stream live", "WATCHDOG=1"));
    EXPECT_THAT(tick({.samples = 100, .live = 1, .streams = 1}), IsEmpty());
    EXPECT_THAT(tick({.samples = 100, .live = 1, .streams = 1}), IsEmpty());
    EXPECT_THAT(tick({.samples = 101, .live = 1, .streams = 1}), ElementsAre("WATCHDOG=1"));
}

TEST_F(ServiceNotificationTest, PingsNoMoreOftenThanIsAskedFor) {
    EXPECT_THAT(tick({.samples = 1, .live = 1, .streams = 1}), testing::Contains("WATCHDOG=1"));
    notification_->tick({.samples = 2, .live = 1, .streams = 1});
    EXPECT_THAT(told(), IsEmpty());
}

TEST_F(ServiceNotificationTest, WithoutALiveStreamNothingCanStandStill) {
    EXPECT_THAT(tick({.samples = 0, .live = 0, .streams = 2}),
                ElementsAre("STATUS=0 of 2 streams live", "WATCHDOG=1"));
    EXPECT_THAT(tick({.samples = 0, .live = 0, .streams = 2}), ElementsAre("WATCHDOG=1"));
}

TEST_F(ServiceNotificationTest, AStreamThatEndsIsNoStandstill) {
    tick({.samples = 500, .live = 2, .streams = 2});
    // The sum counts live streams, so that it falls when one ends.
    EXPECT_THAT(tick({.samples = 200, .live = 1, .streams = 2}), testing::Contains("WATCHDOG=1"));
}

TEST_F(ServiceNotificationTest, NobodyWatches) {
    unsetenv("WATCHDOG_USEC");
    EXPECT_THAT(tick({.samples = 1, .live = 1, .streams = 1}),
                ElementsAre("STATUS=1 of 1 stream live"));
}

TEST(ServiceNotification, SaysNothingWithoutAManager) {
    unsetenv("NOTIFY_SOCKET");
    ServiceNotification notification;
    notification.ready();
    notification.tick({});
    notification.stopping();
}

}  // namespace
}  // namespace emotiond::daemon
