-- Everything ingest keeps. Each table's primary key, and each query, is led by tenant_id, so that the schema
-- distributes unchanged. What a POS said is kept under (tenant_id, pos_system_id, external_id) exactly as it was sent;
-- only products are merged, in mapping_cache. `fingerprint` tells a changed record from an unchanged one; job_id,
-- mapping_version and batch_seq say which delivery wrote the row. Indexes beyond the primary keys are few on purpose:
-- each one costs every load.
--
-- The twin of the PostgreSQL schema: ids and fingerprints are 16-byte blobs, amounts integer millionths, moments text in
-- UTC that sorts by time, documents JSON text, booleans 0 and 1.

create table tenants (
    id blob not null,
    name text not null,
    country text,
    currency text,
    time_zone text,
    -- How products of different stores meet: sku, barcode, both.
    match_rule text not null,
    created_at text not null,
    primary key (id)
) without rowid;

create table stores (
    tenant_id blob not null references tenants (id),
    id blob not null,
    name text not null,
    code text,
    city text,
    address text,
    country text,
    currency text,
    time_zone text,
    created_at text not null,
    updated_at text not null,
    archived_at text,
    primary key (tenant_id, id)
) without rowid;
create unique index stores_by_name on stores (tenant_id, name);

-- Found by the hash of the code alone: whoever enrols does not know the tenant yet.
create table enrolment_codes (
    code_hash text not null,
    tenant_id blob not null,
    store_id blob not null,
    created_by blob,
    created_at text not null,
    expires_at text not null,
    used_at text,
    used_by blob,
    primary key (code_hash),
    foreign key (tenant_id, store_id) references stores (tenant_id, id)
) without rowid;

create table agents (
    tenant_id blob not null,
    id blob not null,
    store_id blob not null,
    machine text not null,
    os text,
    version text not null,
    token_hash text not null,
    enrolled_at text not null,
    revoked_at text,
    epoch blob,
    last_seq integer,
    last_delivery_at text,
    last_seen_at text,
    clock_skew_ms integer,
    queued_batches integer,
    queued_bytes integer,
    oldest_queued_at text,
    disk_free_bytes integer,
    streams text,
    primary key (tenant_id, id),
    foreign key (tenant_id, store_id) references stores (tenant_id, id)
) without rowid;
create unique index agents_by_token on agents (token_hash);

create table pos_systems (
    tenant_id blob not null,
    id blob not null,
    store_id blob not null,
    agent_id blob,
    system_type text not null,
    system_name text not null,
    connector text not null,
    connection_config text not null,
    field_mappings text not null,
    mapping_name text not null,
    mapping_version integer not null,
    sync_settings text not null,
    is_active integer not null,
    last_sync_at text,
    created_at text not null,
    updated_at text not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, store_id) references stores (tenant_id, id)
) without rowid;
create unique index pos_systems_by_name on pos_systems (tenant_id, store_id, system_name);

create table sync_jobs (
    tenant_id blob not null,
    id blob not null,
    pos_system_id blob not null,
    stream text not null,
    -- full_sync, incremental, real_time, verify
    job_type text not null,
    -- pending, running, completed, failed
    status text not null,
    started_at text not null,
    completed_at text,
    records_processed integer not null,
    records_failed integer not null,
    error_details text,
    sync_summary text,
    updated_at text not null,
    primary key (tenant_id, id)
) without rowid;
create index sync_jobs_by_time on sync_jobs (tenant_id, started_at);
create index sync_jobs_by_stream on sync_jobs (tenant_id, pos_system_id, stream, started_at);

-- External id <-> canonical id. mapping_data holds the record as the POS sent it; external_table the stream it came by.
create table mapping_cache (
    tenant_id blob not null,
    pos_system_id blob not null,
    external_id text not null,
    fluxion_entity text not null,
    external_table text not null,
    fluxion_id blob not null,
    record_hash blob not null,
    -- A person decided which product this is; matching leaves it alone.
    pinned integer not null,
    mapping_data text not null,
    created_at text not null,
    updated_at text not null,
    deleted_at text,
    job_id blob not null,
    mapping_version integer not null,
    batch_seq integer not null,
    primary key (tenant_id, pos_system_id, external_id, fluxion_entity)
) without rowid;
create index mapping_cache_by_canonical on mapping_cache (tenant_id, fluxion_id);

create table sync_conflicts (
    tenant_id blob not null,
    id blob not null,
    pos_system_id blob,
    entity_type text not null,
    entity_id blob not null,
    -- price_mismatch, quantity_diff, duplicate_sku
    conflict_type text not null,
    pos_data text not null,
    fluxion_data text not null,
    resolution_strategy text,
    resolved_at text,
    resolved_by blob,
    resolution_notes text,
    created_at text not null,
    updated_at text not null,
    -- open, resolved (by a person), closed (it went away by itself)
    status text not null,
    money_impact integer,
    currency text,
    -- What the conflict is about: one is open at most.
    subject text not null,
    -- What it rests on: the same evidence is not raised again after a person has decided.
    evidence text not null,
    -- What to put back when the decision is undone.
    undo text,
    primary key (tenant_id, id)
) without rowid;
create unique index sync_conflicts_open on sync_conflicts (tenant_id, subject) where status = 'open';
create index sync_conflicts_by_subject on sync_conflicts (tenant_id, subject);
create index sync_conflicts_by_entity on sync_conflicts (tenant_id, entity_id);

-- The unified product. Its attributes are those of its primary source: the oldest that is still there.
create table products (
    tenant_id blob not null,
    id blob not null,
    sku text not null,
    name text not null,
    description text,
    brand text,
    unit text,
    category_name text,
    supplier_name text,
    tax_rate integer,
    cost integer,
    currency text,
    active integer not null,
    -- SKU, name, brand and barcodes without accents and in lower case.
    search text not null,
    source_pos_system_id blob not null,
    source_external_id text not null,
    -- Since when no POS has it any more.
    orphaned_at text,
    created_at text not null,
    updated_at text not null,
    primary key (tenant_id, id)
) without rowid;
create index products_by_sku on products (tenant_id, sku);

-- `code` is what barcodes are compared by: a valid GTIN filled up to 14 digits, anything else as it is.
create table product_barcodes (
    tenant_id blob not null,
    code text not null,
    product_id blob not null,
    barcode text not null,
    primary key (tenant_id, code, product_id)
) without rowid;

create table prices (
    tenant_id blob not null,
    pos_system_id blob not null,
    external_id text not null,
    fingerprint blob not null,
    product text not null,
    list text not null,
    currency text not null,
    amount integer not null,
    tax text,
    min_quantity integer,
    valid_from text,
    valid_to text,
    source_updated_at text,
    -- Since when the amount is what it is.
    value_since text not null,
    written_at text not null,
    deleted_at text,
    job_id blob not null,
    mapping_version integer not null,
    batch_seq integer not null,
    primary key (tenant_id, pos_system_id, external_id)
) without rowid;
-- Not led by the primary key's columns: without statistics the planner might take it for a look-up by key.
create index prices_by_product on prices (tenant_id, product, pos_system_id);

-- Past amounts, each with the delivery that had brought it.
create table price_history (
    tenant_id blob not null,
    pos_system_id blob not null,
    product text not null,
    id blob not null,
    external_id text not null,
    list text not null,
    currency text not null,
    amount integer not null,
    valid_from text not null,
    valid_to text not null,
    job_id blob not null,
    mapping_version integer not null,
    batch_seq integer not null,
    primary key (tenant_id, pos_system_id, product, id)
) without rowid;

create table stock_levels (
    tenant_id blob not null,
    pos_system_id blob not null,
    external_id text not null,
    fingerprint blob not null,
    product text not null,
    location text,
    on_hand integer not null,
    reserved integer,
    minimum integer,
    maximum integer,
    source_updated_at text,
    value_since text not null,
    written_at text not null,
    deleted_at text,
    job_id blob not null,
    mapping_version integer not null,
    batch_seq integer not null,
    primary key (tenant_id, pos_system_id, external_id)
) without rowid;
create index stock_levels_by_product on stock_levels (tenant_id, product, pos_system_id);

create table stock_history (
    tenant_id blob not null,
    pos_system_id blob not null,
    product text not null,
    id blob not null,
    external_id text not null,
    location text,
    on_hand integer not null,
    valid_from text not null,
    valid_to text not null,
    job_id blob not null,
    mapping_version integer not null,
    batch_seq integer not null,
    primary key (tenant_id, pos_system_id, product, id)
) without rowid;

create table stock_movements (
    tenant_id blob not null,
    pos_system_id blob not null,
    external_id text not null,
    fingerprint blob not null,
    product text not null,
    location text,
    kind text not null,
    quantity integer not null,
    unit_cost integer,
    currency text,
    at text not null,
    reference text,
    written_at text not null,
    deleted_at text,
    job_id blob not null,
    mapping_version integer not null,
    batch_seq integer not null,
    primary key (tenant_id, pos_system_id, external_id)
) without rowid;

create table sales (
    tenant_id blob not null,
    pos_system_id blob not null,
    external_id text not null,
    fingerprint blob not null,
    number text not null,
    at text not null,
    kind text not null,
    status text not null,
    location text,
    register text,
    cashier text,
    customer text,
    customer_name text,
    currency text not null,
    exchange_rate integer,
    subtotal integer,
    discount integer,
    tax integer,
    total integer not null,
    source_updated_at text,
    written_at text not null,
    deleted_at text,
    job_id blob not null,
    mapping_version integer not null,
    batch_seq integer not null,
    primary key (tenant_id, pos_system_id, external_id)
) without rowid;

create table sale_lines (
    tenant_id blob not null,
    pos_system_id blob not null,
    sale_id text not null,
    line_no integer not null,
    product text,
    description text,
    quantity integer not null,
    unit_price integer not null,
    discount integer,
    tax_rate integer,
    tax integer,
    total integer,
    primary key (tenant_id, pos_system_id, sale_id, line_no)
) without rowid;

create table sale_payments (
    tenant_id blob not null,
    pos_system_id blob not null,
    sale_id text not null,
    payment_no integer not null,
    method text not null,
    amount integer not null,
    currency text,
    exchange_rate integer,
    reference text,
    primary key (tenant_id, pos_system_id, sale_id, payment_no)
) without rowid;

create table account_payments (
    tenant_id blob not null,
    pos_system_id blob not null,
    external_id text not null,
    fingerprint blob not null,
    customer text not null,
    at text not null,
    currency text not null,
    amount integer not null,
    method text,
    reference text,
    written_at text not null,
    deleted_at text,
    job_id blob not null,
    mapping_version integer not null,
    batch_seq integer not null,
    primary key (tenant_id, pos_system_id, external_id)
) without rowid;

create table cash_sessions (
    tenant_id blob not null,
    pos_system_id blob not null,
    external_id text not null,
    fingerprint blob not null,
    register text,
    cashier text,
    opened_at text not null,
    closed_at text,
    currency text not null,
    opening integer,
    expected integer,
    counted integer,
    written_at text not null,
    deleted_at text,
    job_id blob not null,
    mapping_version integer not null,
    batch_seq integer not null,
    primary key (tenant_id, pos_system_id, external_id)
) without rowid;

create table customers (
    tenant_id blob not null,
    pos_system_id blob not null,
    external_id text not null,
    fingerprint blob not null,
    name text not null,
    tax_id text,
    email text,
    phone text,
    address text,
    currency text,
    credit_limit integer,
    balance integer,
    terms_days integer,
    active integer not null,
    written_at text not null,
    deleted_at text,
    job_id blob not null,
    mapping_version integer not null,
    batch_seq integer not null,
    primary key (tenant_id, pos_system_id, external_id)
) without rowid;

create table suppliers (
    tenant_id blob not null,
    pos_system_id blob not null,
    external_id text not null,
    fingerprint blob not null,
    name text not null,
    tax_id text,
    email text,
    phone text,
    active integer not null,
    written_at text not null,
    deleted_at text,
    job_id blob not null,
    mapping_version integer not null,
    batch_seq integer not null,
    primary key (tenant_id, pos_system_id, external_id)
) without rowid;

create table categories (
    tenant_id blob not null,
    pos_system_id blob not null,
    external_id text not null,
    fingerprint blob not null,
    name text not null,
    parent text,
    active integer not null,
    written_at text not null,
    deleted_at text,
    job_id blob not null,
    mapping_version integer not null,
    batch_seq integer not null,
    primary key (tenant_id, pos_system_id, external_id)
) without rowid;

create table locations (
    tenant_id blob not null,
    pos_system_id blob not null,
    external_id text not null,
    fingerprint blob not null,
    name text not null,
    active integer not null,
    written_at text not null,
    deleted_at text,
    job_id blob not null,
    mapping_version integer not null,
    batch_seq integer not null,
    primary key (tenant_id, pos_system_id, external_id)
) without rowid;

-- One row per source key and entity; a repeated reject counts up, a cleared one is kept as resolved.
create table rejects (
    tenant_id blob not null,
    id blob not null,
    pos_system_id blob not null,
    stream text not null,
    -- An entity's name, or `unknown` where not even that could be read.
    entity text not null,
    key text not null,
    external_id text,
    class text not null,
    field text,
    rule text not null,
    raw text,
    message text not null,
    position text,
    "row" text not null,
    -- agent or cloud: who set it aside.
    origin text not null,
    -- open, cleared (the row is good or gone), dismissed (by a person)
    status text not null,
    times integer not null,
    first_seen_at text not null,
    last_seen_at text not null,
    resolved_at text,
    resolved_by blob,
    job_id blob not null,
    mapping_version integer not null,
    batch_seq integer not null,
    primary key (tenant_id, pos_system_id, stream, key, entity)
) without rowid;
create unique index rejects_by_id on rejects (tenant_id, id);
-- Few, and looked at by every delivery: records that the cloud itself set aside are cleared when they come again.
create index rejects_of_cloud on rejects (tenant_id, pos_system_id) where origin = 'cloud' and status = 'open';

create table commands (
    tenant_id blob not null,
    id blob not null,
    agent_id blob not null,
    action text not null,
    -- pending, sent, done, failed, unsupported
    status text not null,
    message text,
    created_by blob,
    created_at text not null,
    sent_at text,
    finished_at text,
    primary key (tenant_id, id)
) without rowid;
create index commands_by_agent on commands (tenant_id, agent_id, status);

create table users (
    tenant_id blob not null references tenants (id),
    id blob not null,
    email text not null,
    name text not null,
    password_hash text not null,
    -- viewer, operator, admin
    role text not null,
    locale text,
    created_at text not null,
    last_login_at text,
    disabled_at text,
    primary key (tenant_id, id)
) without rowid;
create unique index users_by_email on users (email);

-- Found by the hash of the cookie alone.
create table sessions (
    token_hash text not null,
    tenant_id blob not null,
    user_id blob not null,
    created_at text not null,
    last_used_at text not null,
    expires_at text not null,
    primary key (token_hash),
    foreign key (tenant_id, user_id) references users (tenant_id, id)
) without rowid;

create table audit_log (
    tenant_id blob not null,
    id blob not null,
    at text not null,
    -- user, agent or system
    actor_kind text not null,
    actor_id blob,
    action text not null,
    entity_type text not null,
    entity_id text not null,
    details text not null,
    primary key (tenant_id, id)
) without rowid;

-- What the dashboard is told about, over all instances of ingest. A row per delivery and kind at most, never per record.
create table events (
    tenant_id blob not null,
    id blob not null,
    -- store_changed, job_changed, conflict_changed, reject_changed
    kind text not null,
    payload text not null,
    created_at text not null,
    primary key (tenant_id, id)
) without rowid;
