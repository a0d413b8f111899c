-- Where the raw pipe puts the same tables.
CREATE TABLE categories (category_id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE items (
  item_id int PRIMARY KEY, item_code text NOT NULL, item_name text NOT NULL, category_id int, barcode text,
  cost numeric(12,4), sale_price numeric(12,2) NOT NULL, tax_rate numeric(5,2), active smallint NOT NULL,
  last_update timestamp NOT NULL
);
CREATE TABLE stock (
  item_id int, location_id int, qty_on_hand numeric(14,3) NOT NULL, PRIMARY KEY (item_id, location_id)
);
CREATE TABLE transactions (
  trans_id int PRIMARY KEY, trans_no text NOT NULL, trans_date timestamp NOT NULL, location_id int NOT NULL,
  subtotal numeric(12,2) NOT NULL, tax_amount numeric(12,2) NOT NULL, total_amount numeric(12,2) NOT NULL,
  payment_type text
);
CREATE TABLE transaction_details (
  trans_id int, line_no int, item_code text NOT NULL, qty numeric(12,3) NOT NULL, unit_price numeric(12,2) NOT NULL,
  PRIMARY KEY (trans_id, line_no)
);
