-- Everything ingest keeps. Each table's primary key, and each query, is led by tenant_id, so that the schema
-- distributes unchanged. What a POS said is kept under (tenant_id, pos_system_id, external_id) exactly as it was sent;
-- only products are merged, in mapping_cache. `fingerprint` tells a changed record from an unchanged one; job_id,
-- mapping_version and batch_seq say which delivery wrote the row. Indexes beyond the primary keys are few on purpose:
-- each one costs every load. Keys compare byte by byte (collate "C"): faster, and the same order as in the twin.

create table tenants (
    id uuid not null,
    name text not null,
    country text,
    currency text,
    time_zone text,
    -- How products of different stores meet: sku, barcode, both.
    match_rule text not null,
    created_at timestamptz not null,
    primary key (id)
);

create table stores (
    tenant_id uuid not null references tenants (id),
    id uuid not null,
    name text not null,
    code text collate "C",
    city text,
    address text,
    country text,
    currency text,
    time_zone text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    archived_at timestamptz,
    primary key (tenant_id, id)
);
create unique index stores_by_name on stores (tenant_id, name);

-- Found by the hash of the code alone: whoever enrols does not know the tenant yet.
create table enrolment_codes (
    code_hash text not null,
    tenant_id uuid not null,
    store_id uuid not null,
    created_by uuid,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    used_by uuid,
    primary key (code_hash),
    foreign key (tenant_id, store_id) references stores (tenant_id, id)
);

create table agents (
    tenant_id uuid not null,
    id uuid not null,
    store_id uuid not null,
    machine text not null,
    os text,
    version text not null,
    token_hash text not null,
    enrolled_at timestamptz not null,
    revoked_at timestamptz,
    epoch uuid,
    last_seq bigint,
    last_delivery_at timestamptz,
    last_seen_at timestamptz,
    clock_skew_ms bigint,
    queued_batches bigint,
    queued_bytes bigint,
    oldest_queued_at timestamptz,
    disk_free_bytes bigint,
    streams jsonb,
    primary key (tenant_id, id),
    foreign key (tenant_id, store_id) references stores (tenant_id, id)
);
create unique index agents_by_token on agents (token_hash);

create table pos_systems (
    tenant_id uuid not null,
    id uuid not null,
    store_id uuid not null,
    agent_id uuid,
    system_type text not null,
    system_name text not null,
    connector text not null,
    connection_config jsonb not null,
    field_mappings jsonb not null,
    mapping_name text not null,
    mapping_version integer not null,
    sync_settings jsonb not null,
    is_active boolean not null,
    last_sync_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, store_id) references stores (tenant_id, id)
);
create unique index pos_systems_by_name on pos_systems (tenant_id, store_id, system_name);

create table sync_jobs (
    tenant_id uuid not null,
    id uuid not null,
    pos_system_id uuid not null,
    stream text collate "C" not null,
    -- full_sync, incremental, real_time, verify
    job_type text not null,
    -- pending, running, completed, failed
    status text not null,
    started_at timestamptz not null,
    completed_at timestamptz,
    records_processed bigint not null,
    records_failed bigint not null,
    error_details jsonb,
    sync_summary jsonb,
    updated_at timestamptz not null,
    primary key (tenant_id, id)
);
create index sync_jobs_by_time on sync_jobs (tenant_id, started_at);
create index sync_jobs_by_stream on sync_jobs (tenant_id, pos_system_id, stream, started_at);

-- External id <-> canonical id. mapping_data holds the record as the POS sent it; external_table the stream it came by.
create table mapping_cache (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    external_id text collate "C" not null,
    fluxion_entity text collate "C" not null,
    external_table text not null,
    fluxion_id uuid not null,
    record_hash uuid not null,
    -- A person decided which product this is; matching leaves it alone.
    pinned boolean not null,
    mapping_data jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    job_id uuid not null,
    mapping_version integer not null,
    batch_seq bigint not null,
    primary key (tenant_id, pos_system_id, external_id, fluxion_entity)
);
create index mapping_cache_by_canonical on mapping_cache (tenant_id, fluxion_id);

create table sync_conflicts (
    tenant_id uuid not null,
    id uuid not null,
    pos_system_id uuid,
    entity_type text not null,
    entity_id uuid not null,
    -- price_mismatch, quantity_diff, duplicate_sku
    conflict_type text not null,
    pos_data jsonb not null,
    fluxion_data jsonb not null,
    resolution_strategy text,
    resolved_at timestamptz,
    resolved_by uuid,
    resolution_notes text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- open, resolved (by a person), closed (it went away by itself)
    status text not null,
    money_impact numeric(20, 6),
    currency text,
    -- What the conflict is about: one is open at most.
    subject text collate "C" not null,
    -- What it rests on: the same evidence is not raised again after a person has decided.
    evidence text not null,
    -- What to put back when the decision is undone.
    undo jsonb,
    primary key (tenant_id, id)
);
create unique index sync_conflicts_open on sync_conflicts (tenant_id, subject) where status = 'open';
create index sync_conflicts_by_subject on sync_conflicts (tenant_id, subject);
create index sync_conflicts_by_entity on sync_conflicts (tenant_id, entity_id);

-- The unified product. Its attributes are those of its primary source: the oldest that is still there.
create table products (
    tenant_id uuid not null,
    id uuid not null,
    sku text collate "C" not null,
    name text not null,
    description text,
    brand text,
    unit text,
    category_name text,
    supplier_name text,
    tax_rate numeric(20, 6),
    cost numeric(20, 6),
    currency text,
    active boolean not null,
    -- SKU, name, brand and barcodes without accents and in lower case.
    search text not null,
    source_pos_system_id uuid not null,
    source_external_id text collate "C" not null,
    -- Since when no POS has it any more.
    orphaned_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id)
);
create index products_by_sku on products (tenant_id, sku);

-- `code` is what barcodes are compared by: a valid GTIN filled up to 14 digits, anything else as it is.
create table product_barcodes (
    tenant_id uuid not null,
    code text collate "C" not null,
    product_id uuid not null,
    barcode text not null,
    primary key (tenant_id, code, product_id)
);

create table prices (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    external_id text collate "C" not null,
    fingerprint uuid not null,
    product text collate "C" not null,
    list text collate "C" not null,
    currency text not null,
    amount numeric(20, 6) not null,
    tax text,
    min_quantity numeric(20, 6),
    valid_from timestamptz,
    valid_to timestamptz,
    source_updated_at timestamptz,
    -- Since when the amount is what it is.
    value_since timestamptz not null,
    written_at timestamptz not null,
    deleted_at timestamptz,
    job_id uuid not null,
    mapping_version integer not null,
    batch_seq bigint not null,
    primary key (tenant_id, pos_system_id, external_id)
);
-- Not led by the primary key's columns: without statistics the planner might take it for a look-up by key.
create index prices_by_product on prices (tenant_id, product, pos_system_id);

-- Past amounts, each with the delivery that had brought it.
create table price_history (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    product text collate "C" not null,
    id uuid not null,
    external_id text collate "C" not null,
    list text collate "C" not null,
    currency text not null,
    amount numeric(20, 6) not null,
    valid_from timestamptz not null,
    valid_to timestamptz not null,
    job_id uuid not null,
    mapping_version integer not null,
    batch_seq bigint not null,
    primary key (tenant_id, pos_system_id, product, id)
);

create table stock_levels (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    external_id text collate "C" not null,
    fingerprint uuid not null,
    product text collate "C" not null,
    location text,
    on_hand numeric(20, 6) not null,
    reserved numeric(20, 6),
    minimum numeric(20, 6),
    maximum numeric(20, 6),
    source_updated_at timestamptz,
    value_since timestamptz not null,
    written_at timestamptz not null,
    deleted_at timestamptz,
    job_id uuid not null,
    mapping_version integer not null,
    batch_seq bigint not null,
    primary key (tenant_id, pos_system_id, external_id)
);
create index stock_levels_by_product on stock_levels (tenant_id, product, pos_system_id);

create table stock_history (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    product text collate "C" not null,
    id uuid not null,
    external_id text collate "C" not null,
    location text,
    on_hand numeric(20, 6) not null,
    valid_from timestamptz not null,
    valid_to timestamptz not null,
    job_id uuid not null,
    mapping_version integer not null,
    batch_seq bigint not null,
    primary key (tenant_id, pos_system_id, product, id)
);

create table stock_movements (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    external_id text collate "C" not null,
    fingerprint uuid not null,
    product text collate "C" not null,
    location text,
    kind text not null,
    quantity numeric(20, 6) not null,
    unit_cost numeric(20, 6),
    currency text,
    at timestamptz not null,
    reference text,
    written_at timestamptz not null,
    deleted_at timestamptz,
    job_id uuid not null,
    mapping_version integer not null,
    batch_seq bigint not null,
    primary key (tenant_id, pos_system_id, external_id)
);

create table sales (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    external_id text collate "C" not null,
    fingerprint uuid not null,
    number text not null,
    at timestamptz not null,
    kind text not null,
    status text not null,
    location text,
    register text,
    cashier text,
    customer text,
    customer_name text,
    currency text not null,
    exchange_rate numeric(20, 6),
    subtotal numeric(20, 6),
    discount numeric(20, 6),
    tax numeric(20, 6),
    total numeric(20, 6) not null,
    source_updated_at timestamptz,
    written_at timestamptz not null,
    deleted_at timestamptz,
    job_id uuid not null,
    mapping_version integer not null,
    batch_seq bigint not null,
    primary key (tenant_id, pos_system_id, external_id)
);

create table sale_lines (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    sale_id text collate "C" not null,
    line_no integer not null,
    product text collate "C",
    description text,
    quantity numeric(20, 6) not null,
    unit_price numeric(20, 6) not null,
    discount numeric(20, 6),
    tax_rate numeric(20, 6),
    tax numeric(20, 6),
    total numeric(20, 6),
    primary key (tenant_id, pos_system_id, sale_id, line_no)
);

create table sale_payments (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    sale_id text collate "C" not null,
    payment_no integer not null,
    method text not null,
    amount numeric(20, 6) not null,
    currency text,
    exchange_rate numeric(20, 6),
    reference text,
    primary key (tenant_id, pos_system_id, sale_id, payment_no)
);

create table account_payments (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    external_id text collate "C" not null,
    fingerprint uuid not null,
    customer text not null,
    at timestamptz not null,
    currency text not null,
    amount numeric(20, 6) not null,
    method text,
    reference text,
    written_at timestamptz not null,
    deleted_at timestamptz,
    job_id uuid not null,
    mapping_version integer not null,
    batch_seq bigint not null,
    primary key (tenant_id, pos_system_id, external_id)
);

create table cash_sessions (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    external_id text collate "C" not null,
    fingerprint uuid not null,
    register text,
    cashier text,
    opened_at timestamptz not null,
    closed_at timestamptz,
    currency text not null,
    opening numeric(20, 6),
    expected numeric(20, 6),
    counted numeric(20, 6),
    written_at timestamptz not null,
    deleted_at timestamptz,
    job_id uuid not null,
    mapping_version integer not null,
    batch_seq bigint not null,
    primary key (tenant_id, pos_system_id, external_id)
);

create table customers (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    external_id text collate "C" not null,
    fingerprint uuid not null,
    name text not null,
    tax_id text,
    email text,
    phone text,
    address text,
    currency text,
    credit_limit numeric(20, 6),
    balance numeric(20, 6),
    terms_days integer,
    active boolean not null,
    written_at timestamptz not null,
    deleted_at timestamptz,
    job_id uuid not null,
    mapping_version integer not null,
    batch_seq bigint not null,
    primary key (tenant_id, pos_system_id, external_id)
);

create table suppliers (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    external_id text collate "C" not null,
    fingerprint uuid not null,
    name text not null,
    tax_id text,
    email text,
    phone text,
    active boolean not null,
    written_at timestamptz not null,
    deleted_at timestamptz,
    job_id uuid not null,
    mapping_version integer not null,
    batch_seq bigint not null,
    primary key (tenant_id, pos_system_id, external_id)
);

create table categories (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    external_id text collate "C" not null,
    fingerprint uuid not null,
    name text not null,
    parent text,
    active boolean not null,
    written_at timestamptz not null,
    deleted_at timestamptz,
    job_id uuid not null,
    mapping_version integer not null,
    batch_seq bigint not null,
    primary key (tenant_id, pos_system_id, external_id)
);

create table locations (
    tenant_id uuid not null,
    pos_system_id uuid not null,
    external_id text collate "C" not null,
    fingerprint uuid not null,
    name text not null,
    active boolean not null,
    written_at timestamptz not null,
    deleted_at timestamptz,
    job_id uuid not null,
    mapping_version integer not null,
    batch_seq bigint not null,
    primary key (tenant_id, pos_system_id, external_id)
);

-- One row per source key and entity; a repeated reject counts up, a cleared one is kept as resolved.
create table rejects (
    tenant_id uuid not null,
    id uuid not null,
    pos_system_id uuid not null,
    stream text collate "C" not null,
    -- An entity's name, or `unknown` where not even that could be read.
    entity text collate "C" not null,
    key text collate "C" not null,
    external_id text collate "C",
    class text not null,
    field text,
    rule text not null,
    raw text,
    message text not null,
    position text,
    "row" jsonb not null,
    -- agent or cloud: who set it aside.
    origin text not null,
    -- open, cleared (the row is good or gone), dismissed (by a person)
    status text not null,
    times integer not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    resolved_at timestamptz,
    resolved_by uuid,
    job_id uuid not null,
    mapping_version integer not null,
    batch_seq bigint not null,
    primary key (tenant_id, pos_system_id, stream, key, entity)
);
create unique index rejects_by_id on rejects (tenant_id, id);
-- Few, and looked at by every delivery: records that the cloud itself set aside are cleared when they come again.
create index rejects_of_cloud on rejects (tenant_id, pos_system_id) where origin = 'cloud' and status = 'open';

create table commands (
    tenant_id uuid not null,
    id uuid not null,
    agent_id uuid not null,
    action jsonb not null,
    -- pending, sent, done, failed, unsupported
    status text not null,
    message text,
    created_by uuid,
    created_at timestamptz not null,
    sent_at timestamptz,
    finished_at timestamptz,
    primary key (tenant_id, id)
);
create index commands_by_agent on commands (tenant_id, agent_id, status);

create table users (
    tenant_id uuid not null references tenants (id),
    id uuid not null,
    email text not null,
    name text not null,
    password_hash text not null,
    -- viewer, operator, admin
    role text not null,
    locale text,
    created_at timestamptz not null,
    last_login_at timestamptz,
    disabled_at timestamptz,
    primary key (tenant_id, id)
);
create unique index users_by_email on users (email);

-- Found by the hash of the cookie alone.
create table sessions (
    token_hash text not null,
    tenant_id uuid not null,
    user_id uuid not null,
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    expires_at timestamptz not null,
    primary key (token_hash),
    foreign key (tenant_id, user_id) references users (tenant_id, id)
);

create table audit_log (
    tenant_id uuid not null,
    id uuid not null,
    at timestamptz not null,
    -- user, agent or system
    actor_kind text not null,
    actor_id uuid,
    action text not null,
    entity_type text not null,
    entity_id text not null,
    details jsonb not null,
    primary key (tenant_id, id)
);

-- What the dashboard is told about, over all instances of ingest. A row per delivery and kind at most, never per record.
create table events (
    tenant_id uuid not null,
    id uuid not null,
    -- store_changed, job_changed, conflict_changed, reject_changed
    kind text not null,
    payload jsonb not null,
    created_at timestamptz not null,
    primary key (tenant_id, id)
);
