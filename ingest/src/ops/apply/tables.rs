//! The columns that deliveries write, in the order the rows are built in.

use crate::bulk_table;

bulk_table! {
/// Source records of products.
MAPPING_CACHE "mapping_cache" {
    key tenant_id: Uuid, key pos_system_id: Uuid, key external_id: Text, key fluxion_entity: Text,
    external_table: Text, fluxion_id: Uuid, record_hash: Uuid, pinned: Bool, mapping_data: RawJson,
    keep created_at: Time, updated_at: Time, deleted_at: Time,
    job_id: Uuid, mapping_version: Int, batch_seq: Big,
}}

bulk_table! {
/// Unified products.
PRODUCTS "products" {
    key tenant_id: Uuid, key id: Uuid,
    sku: Text, name: Text, description: Text, brand: Text, unit: Text, category_name: Text, supplier_name: Text,
    tax_rate: Amount, cost: Amount, currency: Text, active: Bool, search: Text,
    source_pos_system_id: Uuid, source_external_id: Text, orphaned_at: Time, keep created_at: Time, updated_at: Time,
}}

bulk_table! {
/// Barcodes of unified products.
PRODUCT_BARCODES "product_barcodes" {
    key tenant_id: Uuid, key code: Text, key product_id: Uuid, barcode: Text,
}}

bulk_table! {
/// Prices.
PRICES "prices" {
    key tenant_id: Uuid, key pos_system_id: Uuid, key external_id: Text, fingerprint: Uuid,
    product: Text, list: Text, currency: Text, amount: Amount, tax: Text, min_quantity: Amount,
    valid_from: Time, valid_to: Time, source_updated_at: Time, value_since: Time,
    written_at: Time, deleted_at: Time, job_id: Uuid, mapping_version: Int, batch_seq: Big,
}}

bulk_table! {
/// Past prices.
PRICE_HISTORY "price_history" {
    key tenant_id: Uuid, key pos_system_id: Uuid, key product: Text, key id: Uuid, external_id: Text,
    list: Text, currency: Text, amount: Amount, valid_from: Time, valid_to: Time,
    job_id: Uuid, mapping_version: Int, batch_seq: Big,
}}

bulk_table! {
/// Stock levels.
STOCK_LEVELS "stock_levels" {
    key tenant_id: Uuid, key pos_system_id: Uuid, key external_id: Text, fingerprint: Uuid,
    product: Text, location: Text, on_hand: Amount, reserved: Amount, minimum: Amount, maximum: Amount,
    source_updated_at: Time, value_since: Time,
    written_at: Time, deleted_at: Time, job_id: Uuid, mapping_version: Int, batch_seq: Big,
}}

bulk_table! {
/// Past stock levels.
STOCK_HISTORY "stock_history" {
    key tenant_id: Uuid, key pos_system_id: Uuid, key product: Text, key id: Uuid, external_id: Text,
    location: Text, on_hand: Amount, valid_from: Time, valid_to: Time,
    job_id: Uuid, mapping_version: Int, batch_seq: Big,
}}

bulk_table! {
/// Stock movements.
STOCK_MOVEMENTS "stock_movements" {
    key tenant_id: Uuid, key pos_system_id: Uuid, key external_id: Text, fingerprint: Uuid,
    product: Text, location: Text, kind: Text, quantity: Amount, unit_cost: Amount, currency: Text, at: Time,
    reference: Text,
    written_at: Time, deleted_at: Time, job_id: Uuid, mapping_version: Int, batch_seq: Big,
}}

bulk_table! {
/// Sales.
SALES "sales" {
    key tenant_id: Uuid, key pos_system_id: Uuid, key external_id: Text, fingerprint: Uuid,
    number: Text, at: Time, kind: Text, status: Text, location: Text, register: Text, cashier: Text, customer: Text,
    customer_name: Text, currency: Text, exchange_rate: Amount, subtotal: Amount, discount: Amount, tax: Amount,
    total: Amount, source_updated_at: Time,
    written_at: Time, deleted_at: Time, job_id: Uuid, mapping_version: Int, batch_seq: Big,
    keep sale_id: Big,
}}

bulk_table! {
/// Lines of sales.
SALE_LINES "sale_lines" {
    key tenant_id: Uuid, key sale_id: Big, key line_no: Int,
    product: Text, description: Text, quantity: Amount, unit_price: Amount, discount: Amount, tax_rate: Amount,
    tax: Amount, total: Amount,
}}

bulk_table! {
/// Payments of sales.
SALE_PAYMENTS "sale_payments" {
    key tenant_id: Uuid, key sale_id: Big, key payment_no: Int,
    method: Text, amount: Amount, currency: Text, exchange_rate: Amount, reference: Text,
}}

bulk_table! {
/// Account payments.
ACCOUNT_PAYMENTS "account_payments" {
    key tenant_id: Uuid, key pos_system_id: Uuid, key external_id: Text, fingerprint: Uuid,
    customer: Text, at: Time, currency: Text, amount: Amount, method: Text, reference: Text,
    written_at: Time, deleted_at: Time, job_id: Uuid, mapping_version: Int, batch_seq: Big,
}}

bulk_table! {
/// Cash sessions.
CASH_SESSIONS "cash_sessions" {
    key tenant_id: Uuid, key pos_system_id: Uuid, key external_id: Text, fingerprint: Uuid,
    register: Text, cashier: Text, opened_at: Time, closed_at: Time, currency: Text, opening: Amount,
    expected: Amount, counted: Amount,
    written_at: Time, deleted_at: Time, job_id: Uuid, mapping_version: Int, batch_seq: Big,
}}

bulk_table! {
/// Customers.
CUSTOMERS "customers" {
    key tenant_id: Uuid, key pos_system_id: Uuid, key external_id: Text, fingerprint: Uuid,
    name: Text, tax_id: Text, email: Text, phone: Text, address: Text, currency: Text, credit_limit: Amount,
    balance: Amount, terms_days: Int, active: Bool,
    written_at: Time, deleted_at: Time, job_id: Uuid, mapping_version: Int, batch_seq: Big,
}}

bulk_table! {
/// Suppliers.
SUPPLIERS "suppliers" {
    key tenant_id: Uuid, key pos_system_id: Uuid, key external_id: Text, fingerprint: Uuid,
    name: Text, tax_id: Text, email: Text, phone: Text, active: Bool,
    written_at: Time, deleted_at: Time, job_id: Uuid, mapping_version: Int, batch_seq: Big,
}}

bulk_table! {
/// Categories.
CATEGORIES "categories" {
    key tenant_id: Uuid, key pos_system_id: Uuid, key external_id: Text, fingerprint: Uuid,
    name: Text, parent: Text, active: Bool,
    written_at: Time, deleted_at: Time, job_id: Uuid, mapping_version: Int, batch_seq: Big,
}}

bulk_table! {
/// Locations.
LOCATIONS "locations" {
    key tenant_id: Uuid, key pos_system_id: Uuid, key external_id: Text, fingerprint: Uuid,
    name: Text, active: Bool,
    written_at: Time, deleted_at: Time, job_id: Uuid, mapping_version: Int, batch_seq: Big,
}}

bulk_table! {
/// Rejects. One that comes again counts up; one that a person dismissed stays so while it is the same.
REJECTS "rejects" {
    key tenant_id: Uuid, keep id: Uuid, key pos_system_id: Uuid, key stream: Text, key entity: Text, key key: Text,
    external_id: Text, class: Text, field: Text, set "excluded.rule" rule: Text, raw: Text, message: Text,
    position: Text, row: Json, origin: Text,
    set "case when rejects.status = 'dismissed' and rejects.rule = excluded.rule and rejects.raw is not distinct from excluded.raw then rejects.status else excluded.status end"
    status: Text,
    set "rejects.times + excluded.times" times: Int,
    keep first_seen_at: Time, last_seen_at: Time,
    set "case when rejects.status = 'dismissed' and rejects.rule = excluded.rule and rejects.raw is not distinct from excluded.raw then rejects.resolved_at end"
    resolved_at: Time,
    job_id: Uuid, mapping_version: Int, batch_seq: Big,
}}

bulk_table! {
/// Conflicts that are opened.
SYNC_CONFLICTS "sync_conflicts" {
    key tenant_id: Uuid, key id: Uuid, pos_system_id: Uuid, entity_type: Text, entity_id: Uuid, conflict_type: Text,
    pos_data: Json, fluxion_data: Json, created_at: Time, updated_at: Time, status: Text, money_impact: Amount,
    currency: Text, subject: Text, evidence: Text,
}}

bulk_table! {
/// What the dashboard is told about.
EVENTS "events" {
    key tenant_id: Uuid, key id: Uuid, kind: Text, payload: Json, created_at: Time,
}}
