-- What dashboards ask beside the views of before.

-- Which prices each call was priced by. Without FINAL, because only the first moment of a price book is asked for, over
-- long ranges, and every version of a row tells of a book that was in force for it.
CREATE OR REPLACE VIEW step_prices AS
SELECT
    namespace,
    time,
    provider_name,
    if(response_model = '', request_model, response_model) AS model,
    price_id,
    price_book
FROM {db}.steps
WHERE price_book != '';

-- Steps that were priced again, with what they cost before.
CREATE OR REPLACE VIEW step_repricings AS
SELECT * EXCEPT (row_version, is_deleted, stored_time)
FROM {db}.repricings FINAL;
