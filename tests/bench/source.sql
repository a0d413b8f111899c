CREATE TABLE categories (
  category_id INT PRIMARY KEY,
  name VARCHAR(60) NOT NULL
);
CREATE TABLE items (
  item_id INT PRIMARY KEY,
  item_code VARCHAR(20) NOT NULL UNIQUE,
  item_name VARCHAR(120) NOT NULL,
  category_id INT NULL,
  barcode VARCHAR(14) NULL,
  cost DECIMAL(12,4) NULL,
  sale_price DECIMAL(12,2) NOT NULL,
  tax_rate DECIMAL(5,2) NULL,
  active TINYINT NOT NULL,
  last_update DATETIME NOT NULL
);
CREATE TABLE stock (
  item_id INT NOT NULL,
  location_id INT NOT NULL,
  qty_on_hand DECIMAL(14,3) NOT NULL,
  PRIMARY KEY (item_id, location_id)
);
CREATE TABLE transactions (
  trans_id INT PRIMARY KEY,
  trans_no VARCHAR(20) NOT NULL,
  trans_date DATETIME NOT NULL,
  location_id INT NOT NULL,
  subtotal DECIMAL(12,2) NOT NULL,
  tax_amount DECIMAL(12,2) NOT NULL,
  total_amount DECIMAL(12,2) NOT NULL,
  payment_type VARCHAR(20) NULL
);
CREATE TABLE transaction_details (
  trans_id INT NOT NULL,
  line_no INT NOT NULL,
  item_code VARCHAR(20) NOT NULL,
  qty DECIMAL(12,3) NOT NULL,
  unit_price DECIMAL(12,2) NOT NULL,
  PRIMARY KEY (trans_id, line_no)
);
