CREATE TABLE categories (
  category_id INT AUTO_INCREMENT PRIMARY KEY,
  category_name VARCHAR(60) NOT NULL
);
CREATE TABLE items (
  item_id INT AUTO_INCREMENT PRIMARY KEY,
  item_code VARCHAR(20) NOT NULL,
  item_name VARCHAR(120) NOT NULL DEFAULT '',
  category_id INT NULL,
  sale_price DECIMAL(14,2) NULL,
  active CHAR(1) NOT NULL DEFAULT 'Y',
  last_sale_date DATETIME NULL,
  KEY (item_code)
);
CREATE TABLE stock (
  item_id INT NOT NULL,
  location_id INT NOT NULL,
  qty_on_hand DECIMAL(14,3) NOT NULL,
  PRIMARY KEY (item_id, location_id)
);
CREATE TABLE transactions (
  trans_id INT AUTO_INCREMENT PRIMARY KEY,
  trans_no VARCHAR(20) NOT NULL,
  trans_date DATETIME NOT NULL,
  location_id INT NOT NULL,
  subtotal DECIMAL(14,2) NOT NULL,
  tax_amount DECIMAL(14,2) NOT NULL,
  total_amount DECIMAL(14,2) NOT NULL,
  payment_type VARCHAR(20) NULL,
  KEY (trans_date)
);
CREATE TABLE transaction_details (
  detail_id INT AUTO_INCREMENT PRIMARY KEY,
  trans_id INT NOT NULL,
  item_code VARCHAR(20) NOT NULL,
  qty DECIMAL(12,3) NOT NULL,
  unit_price DECIMAL(14,2) NOT NULL,
  KEY (trans_id)
);
