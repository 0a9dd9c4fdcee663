pub mod action;
pub mod event;
pub mod group;
pub mod rows;
pub mod view;
pub mod wait;
pub mod words;
