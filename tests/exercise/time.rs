//! The simulated clock: a thousand minutes without anybody, and deadlines that stay exact through any pauses and speeds.
