/* The registry: every topic, what it tells, who tells it, how long it is kept. Names and aliases follow the
 * domain's Annex A and its rulings: one canonical name per topic and type, older names are understood.
 * Audit topics and collaboration_events are kept 30 days, the others 7. */
#include "bus/topic.h"

#define T(name)          {name, NULL}
#define TA(name, alias)  {name, alias}
#define TYPES            (const struct topic_type[])

enum { DAYS = 7, AUDIT_DAYS = 30 };

static const struct topic topics[TOPIC_COUNT] = {
    {"auth_events", NULL, "identity", AUDIT_DAYS,
     TYPES{T("user_signed_up"), T("email_verified"), T("user_logged_in"), T("user_logged_out"),
           T("login_failed"), T("password_reset"), T("session_revoked"),
           T("assisted_account_created"), T("claim_link_sent"), T("claim_link_resent"),
           T("assisted_account_claimed"), T("assisted_account_access_granted"),
           T("assisted_account_expired"), T("account_ownership_transferred"), T("key_created"),
           T("key_rotated"), T("key_revoked"), {0}}},
    {"org_events", NULL, "identity", AUDIT_DAYS,
     TYPES{T("organization_created"), T("organization_updated"), T("member_invited"),
           T("member_joined"), T("member_removed"), TA("member_role_updated", "role_updated"),
           T("member_config_permissions_updated"), {0}}},
    {"agent_events", NULL, "identity", DAYS,
     TYPES{T("agent_registered"), T("client_assigned_to_agent"),
           TA("agent_availability_changed", "agent_status_updated"), T("workload_redistributed"),
           T("handoff_initiated"), T("handoff_accepted"), T("handoff_rejected"),
           T("handoff_completed"), T("specialist_invited"), T("specialist_joined"),
           T("specialist_declined"), T("specialist_handoff_back"), T("onboarding_week1_complete"),
           {0}}},
    {"client_events", NULL, "identity,communication,demo,documents", DAYS,
     TYPES{T("client_created"), T("client_updated"), T("requirements_validation_completed"),
           T("pilot_agreed"), {0}}},
    {"research_events", NULL, "research", DAYS,
     TYPES{T("research_started"), T("research_failed"), T("research_completed"),
           T("outbound_sent"), T("client_feedback_received"), {0}}},
    {"demo_events", NULL, "demo", DAYS,
     TYPES{T("demo_created"), T("demo_generated"), T("demo_failed"), T("client_feedback_received"),
           T("demo_completed"), T("demo_approved"), T("client_agreed_pilot"), {0}}},
    {"sales_doc_events", NULL, "documents", DAYS,
     TYPES{T("nda_generated"), T("nda_sent"), T("nda_viewed"), T("nda_partially_signed"),
           TA("nda_signed", "nda_fully_signed"), T("nda_voided"), T("pricing_generated"),
           T("pricing_sent"), T("pricing_approved"), T("proposal_generated"), T("proposal_sent"),
           T("proposal_viewed"), T("proposal_accepted"), T("proposal_signed"), {0}}},
    {"billing_events", NULL, "billing", DAYS,
     TYPES{T("subscription_created"), T("subscription_updated"), T("subscription_canceled"),
           T("invoice_generated"), T("invoice_paid"), T("payment_succeeded"), T("payment_failed"),
           T("dunning_reminder_sent"), T("account_at_risk"), T("account_suspended"),
           T("account_restored"), T("refund_issued"), T("sla_credit_issued"),
           T("usage_threshold_reached"), T("budget_alert"), {0}}},
    {"prd_events", NULL, "prd", DAYS,
     TYPES{T("prd_created"), T("prd_updated"), T("prd_feedback_received"), T("prd_approved"),
           T("dependency_completed"), T("prd_dependencies_completed"),
           T("flow_modification_requested"), {0}}},
    {"collaboration_events", NULL, "prd", AUDIT_DAYS,
     TYPES{T("help_requested"), T("agent_joined_session"), T("canvas_edited"),
           T("collaboration_ended"), {0}}},
    {"config_events", NULL, "agent,prd,automation,monitoring", AUDIT_DAYS,
     TYPES{T("config_generation_started"), T("config_generated"), T("config_failed"),
           T("config_deployed"), T("tool_attached_to_config"), T("config_updated"),
           T("client_config_change_requested"),
           TA("client_config_change_applied", "client_config_applied"),
           T("client_config_change_rejected"), T("config_rollback"), T("config_preview_generated"),
           T("config_branch_created"), T("config_version_compared"), T("credential_created"),
           T("credential_rotated"), T("credential_deleted"), {0}}},
    {"conversation_events", NULL, "agent,voice", DAYS,
     TYPES{T("conversation_started"), T("message_received"), T("message_sent"),
           T("message_failed"), T("conversation_taken_over"), T("conversation_released"),
           T("conversation_assigned"), T("conversation_guided"), T("conversation_completed"),
           T("conversation_abandoned"), T("conversation_failed"), T("conversation_reopened"),
           TA("conversation_escalated", "escalation_requested"), T("run_started"),
           T("run_completed"), T("run_failed"), T("run_waiting"), T("run_cancelled"),
           T("tool_called"), T("tool_failed"), {0}}},
    {"voice_events", NULL, "voice", DAYS,
     TYPES{T("call_initiated"), T("call_connected"), T("call_transferred"), T("call_ended"),
           T("call_completed"), T("voicemail_left"), T("sip_provider_failover"), {0}}},
    {"cross_product_events", NULL, "agent,voice", DAYS,
     TYPES{T("voicebot_session_started"), T("voicebot_session_ended"),
           TA("chatbot_image_processed", "cross_product_image_processed"),
           T("chatbot_data_shared"), T("chatbot_paused"), T("product_switched"), {0}}},
    {"knowledge_events", "rag_events", "knowledge,copilot", DAYS,
     TYPES{T("document_ingested"), T("document_removed"), T("continuous_sync_started"),
           T("faq_created"), T("faq_updated"), T("faq_deleted"), T("knowledge_contributed"),
           T("pattern_identified"), T("best_practice_shared"), {0}}},
    {"monitoring_events", "monitoring_incidents", "monitoring", DAYS,
     TYPES{T("incident_created"), T("incident_acknowledged"), T("incident_resolved"),
           T("anomaly_detected"), T("sla_at_risk"), T("sla_breached"), T("downtime_started"),
           T("downtime_ended"), T("rollback_triggered"), T("api_deprecation_detected"), {0}}},
    {"analytics_events", "analytics_experiments", "analytics", DAYS,
     TYPES{T("experiment_started"), T("experiment_completed"), T("kpi_calculated"),
           T("insight_generated"), T("metric_anomaly"), T("usage_reported"), {0}}},
    {"support_events", "support_tickets", "support", DAYS,
     TYPES{T("ticket_created"), T("ticket_updated"), T("ticket_assigned"), T("ticket_escalated"),
           T("ticket_reopened"), T("ticket_resolved"), T("ticket_closed"), T("sla_warning"),
           T("sla_breached"), T("csat_received"), T("migration_ticket_created"), {0}}},
    {"escalation_events", NULL, "agent,voice,support", DAYS,
     TYPES{T("escalation_created"), TA("human_handoff_triggered", "conversation_escalated"),
           T("escalation_assigned"), T("escalation_resolved"), T("escalation_cancelled"), {0}}},
    {"customer_success_events", NULL, "success", DAYS,
     TYPES{T("health_score_changed"), T("lifecycle_stage_changed"), T("churn_risk_detected"),
           T("playbook_triggered"), T("playbook_step_completed"), T("lifecycle_message_due"),
           T("nps_received"), T("qbr_generated"), T("qbr_completed"),
           TA("upsell_opportunity_detected", "opportunity_identified"), T("upsell_closed"), {0}}},
    {"success_events", NULL, "success", DAYS,
     TYPES{T("qbr_generated"), T("qbr_completed"),
           TA("upsell_opportunity_detected", "opportunity_identified"), T("upsell_closed"),
           T("renewal_due"), T("renewal_closed"), T("specialist_outcome_recorded"), {0}}},
    {"communication_events", NULL, "communication", DAYS,
     TYPES{T("email_sent"), T("email_opened"), T("email_clicked"), T("email_replied"),
           T("email_bounced"), T("sms_delivered"), T("unsubscribed"),
           TA("manual_ticket_created", "manual_outreach_ticket_created"),
           T("requirements_draft_generated"), T("requirements_draft_approved"),
           T("requirements_form_sent"), T("user_cohort_assigned"),
           T("experiment_variant_assigned"), T("engagement_event_tracked"),
           T("message_variant_performance_updated"), T("experiment_winner_promoted"), {0}}},
    {"crm_events", NULL, "crm", DAYS,
     TYPES{T("opportunity_created"), T("opportunity_updated"), T("opportunity_closed_won"),
           T("opportunity_closed_lost"), T("contact_created"), T("contact_updated"),
           T("contact_deleted"), T("account_created"), T("account_updated"), T("account_deleted"),
           T("activity_logged"), T("task_created"), T("sync_completed"), T("sync_failed"),
           T("field_mapping_conflict"), {0}}},
    {"agent_action_events", NULL, "copilot", DAYS,
     TYPES{T("action_created"), T("action_completed"), T("action_rejected"), T("action_deferred"),
           T("draft_created"), T("draft_sent"), T("plan_generated"), {0}}},
    {"approval_events", NULL, "copilot", AUDIT_DAYS,
     TYPES{T("approval_requested"), T("approval_decided"), T("approval_escalated"),
           T("approval_delegated"), T("approval_expired"), {0}}},
    {"performance_events", NULL, "copilot", DAYS,
     TYPES{T("metrics_calculated"), T("goal_reached"), T("coaching_suggested"), {0}}},
};

const struct topic *topic_at(int index)
{
    return index >= 0 && index < TOPIC_COUNT ? &topics[index] : NULL;
}

const struct topic *topic_find(struct str name_or_alias)
{
    for (int i = 0; i < TOPIC_COUNT; i++) {
        const struct topic *t = &topics[i];
        if (str_eqz(name_or_alias, t->name) || (t->alias && str_eqz(name_or_alias, t->alias))) {
            return t;
        }
    }
    return NULL;
}

const struct topic_type *topic_find_type(const struct topic *t, struct str name_or_alias)
{
    for (const struct topic_type *type = t->types; type->name; type++) {
        if (str_eqz(name_or_alias, type->name) ||
            (type->alias && str_eqz(name_or_alias, type->alias))) {
            return type;
        }
    }
    return NULL;
}
