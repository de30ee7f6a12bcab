//! Time: one that runs, which is the simulation's, and three wall clocks, which jump.

use std::time::Duration;

use approvals::time::{Clock, Sleep, Timestamp};

use crate::world::{Life, World};

/// Whose wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wall {
    Agents,
    Store,
    Endpoint,
}

impl Wall {
    pub(crate) const ALL: [Self; 3] = [Self::Agents, Self::Store, Self::Endpoint];
}

/// The clock that production code is handed, in one life of one host.
#[derive(Clone)]
pub(crate) struct SimClock {
    pub(crate) world: World,
    pub(crate) wall: Wall,
    /// `None` for what does not live on a host.
    pub(crate) life: Option<Life>,
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.world.wall(self.wall)
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        // What a crash drops may still look at the clock, and there is no time left for it.
        if self.life.as_ref().is_some_and(Life::is_over) {
            return Box::pin(std::future::pending());
        }
        Box::pin(tokio::time::sleep(duration))
    }
}
