//! Short words for the tests of Auto Scaling.
