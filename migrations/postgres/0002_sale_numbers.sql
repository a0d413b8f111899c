-- Sales get a number of the cloud's own, and their lines and payments are keyed by it instead of the POS's text id: new
-- rows then go to the end of the index, which is half as large and costs half as much to write. And a product's record is
-- kept as the text it came as, which needs not be taken apart to be stored.

-- Handed out by the block, a block to a transaction, so that stores that load at once never wait for each other.
create sequence sale_numbers as bigint increment by 65536;

alter table sales add column sale_id bigint;
update sales s set sale_id = numbered.number
    from (select ctid as place, row_number() over (order by tenant_id, pos_system_id, external_id) as number from sales) numbered
    where s.ctid = numbered.place;
alter table sales alter column sale_id set not null;
select setval('sale_numbers', (select coalesce(max(sale_id), 0) + 1 from sales));

create table numbered_sale_lines (
    tenant_id uuid not null,
    sale_id bigint not null,
    line_no integer not null,
    product text collate "C",
    description text,
    quantity numeric(20, 6) not null,
    unit_price numeric(20, 6) not null,
    discount numeric(20, 6),
    tax_rate numeric(20, 6),
    tax numeric(20, 6),
    total numeric(20, 6),
    primary key (tenant_id, sale_id, line_no)
);
insert into numbered_sale_lines
    select l.tenant_id, s.sale_id, l.line_no, l.product, l.description, l.quantity, l.unit_price, l.discount, l.tax_rate,
        l.tax, l.total
    from sale_lines l join sales s
        on s.tenant_id = l.tenant_id and s.pos_system_id = l.pos_system_id and s.external_id = l.sale_id;
drop table sale_lines;
alter table numbered_sale_lines rename to sale_lines;
alter index numbered_sale_lines_pkey rename to sale_lines_pkey;

create table numbered_sale_payments (
    tenant_id uuid not null,
    sale_id bigint not null,
    payment_no integer not null,
    method text not null,
    amount numeric(20, 6) not null,
    currency text,
    exchange_rate numeric(20, 6),
    reference text,
    primary key (tenant_id, sale_id, payment_no)
);
insert into numbered_sale_payments
    select p.tenant_id, s.sale_id, p.payment_no, p.method, p.amount, p.currency, p.exchange_rate, p.reference
    from sale_payments p join sales s
        on s.tenant_id = p.tenant_id and s.pos_system_id = p.pos_system_id and s.external_id = p.sale_id;
drop table sale_payments;
alter table numbered_sale_payments rename to sale_payments;
alter index numbered_sale_payments_pkey rename to sale_payments_pkey;

alter table mapping_cache alter column mapping_data type json using mapping_data::json;
