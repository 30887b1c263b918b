"""Reading SwanLab's folders of logs. SwanLab itself is not needed."""
