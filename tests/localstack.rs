//! muster on `LocalStack`'s EC2, SNS, SQS and Support, and its adapters on `LocalStack`'s SQS and CloudWatch.

#[tokio::test]
async fn fifty_come_into_service_and_a_cancelled_scale_up_leaves_nothing() {
    crate::counterpart::walkthrough("MUSTER_TEST_LOCALSTACK").await;
}

#[tokio::test]
async fn the_adapter_empties_a_queue() {
    crate::counterpart::queues::walkthrough("MUSTER_TEST_LOCALSTACK").await;
}

#[tokio::test]
async fn its_topics_and_queues_tell_of_lifecycle_actions() {
    crate::counterpart::notifications::walkthrough("MUSTER_TEST_LOCALSTACK").await;
}

#[tokio::test]
async fn a_gateway_request_makes_one_support_case() {
    crate::counterpart::cases::walkthrough("MUSTER_TEST_LOCALSTACK").await;
}

#[tokio::test]
async fn metrics_are_read_with_their_age() {
    crate::counterpart::metrics::walkthrough("MUSTER_TEST_LOCALSTACK").await;
}
