//! muster on `LocalStack`'s EC2.

#[tokio::test]
async fn fifty_come_into_service_and_a_cancelled_scale_up_leaves_nothing() {
    crate::counterpart::walkthrough("MUSTER_TEST_LOCALSTACK").await;
}
