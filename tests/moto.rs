//! muster on moto's EC2, and its adapter on moto's Auto Scaling.

#[tokio::test]
async fn fifty_come_into_service_and_a_cancelled_scale_up_leaves_nothing() {
    crate::counterpart::walkthrough("MUSTER_TEST_MOTO").await;
}

#[tokio::test]
async fn the_adapter_runs_a_group() {
    crate::counterpart::groups::walkthrough("MUSTER_TEST_MOTO").await;
}
